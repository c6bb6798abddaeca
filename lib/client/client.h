// A client of aribusd for C++ programs. It reconnects whenever the connection breaks, without a limit.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ari/generated/parameters.h"
#include "client/connection.h"
#include "client/item.h"
#include "client/session.h"

namespace aribus::client {

// Where the daemon is.
struct ClientOptions {
  std::string path{};                 // its socket; empty: $ARIBUS_SOCKET, otherwise /run/aribus/aribus.sock
  std::chrono::milliseconds wait{0};  // how long to try for the first connection; 0: once
  // Of one line of the daemon, and of the items together that wait (Client has at most 2,000 of them wait,
  // too). ConnectionOptions says what it must have room for.
  size_t max_line_bytes = ConnectionOptions().max_line_bytes;
  // A daemon that lets this program in has so long to say who it is; for the first connection, as long as
  // `wait` if that is longer.
  std::chrono::milliseconds greeting_timeout{10'000};
};

// How a command is sent.
struct CallOptions {
  std::string server{};  // the Asterisk, by its name in the daemon's configuration
  std::string key{};     // makes repeats safe: see Client::call()
  std::optional<std::chrono::milliseconds> timeout{};  // none: the daemon's own
};

// Which records come; docs/protocol.md, "Subscribing". Empty lists mean all.
struct Subscription {
  std::vector<std::string> types{};
  std::vector<std::string> exclude{};
  std::vector<std::string> servers{};
  std::vector<std::string> apps{};
  std::vector<std::string> channels{};
  std::vector<std::string> bridges{};
  std::vector<std::string> endpoints{};
  std::string since{};  // a cursor: what follows it comes
  bool snapshot = false;
  std::string on_overflow{};  // "lost" or "disconnect"
  std::string from{};         // "newest" or "oldest"; takes a daemon with the feature `from`
};

// A client without a thread or a loop: it reads while call() or next() waits. Not for use by several threads
// at a time.
class Client {
 public:
  // Connects.
  // Errors: not_connected, with cause and cure; not_allowed, when no access rule lets this user in.
  [[nodiscard]] static Result<Client> connect(ClientOptions options = {});

  // Calls a method of the daemon; `params` is a JSON object as text. With a key it waits for a connection and
  // repeats the command, as long as that is safe. Without one, what it makes gets an id of new_id() unless
  // `params` has one. Errors: the daemon's; invalid_params and not_connected when nothing was sent;
  // outcome_unknown when the connection broke or no answer came in time.
  [[nodiscard]] Result<Json> call(std::string_view method, std::string_view params = "{}",
                                  const CallOptions& options = {});

  // Calls an operation of ARI: client.call(ari::ChannelsAnswer{.channelId = id}).
  // Errors: those above; malformed, when the answer is not what Asterisk declares.
  template <typename Params>
  [[nodiscard]] Result<typename Params::Answer> call(const Params& params, const CallOptions& options = {}) {
    Result<Json> answer = call(Params::method, ari::to_json(params), options);
    if (!answer) return std::move(answer.error());
    return read<typename Params::Answer>(*answer);
  }

  // Subscribes, instead of what was subscribed to before; waits for a connection if there is none. Then
  // next() gives an item `subscribed`, and the records.
  [[nodiscard]] Result<void> subscribe(const Subscription& subscription = {});

  // The next item; nothing when none comes in time. Connecting anew, where that is due, can take longer.
  // Errors: the daemon's, when it refuses after a new connection what was subscribed to.
  [[nodiscard]] Result<std::optional<Item>> next(std::chrono::milliseconds timeout);

  // The place in the stream behind what next() gave last: `since` goes on there, in another process too.
  // Empty at first.
  [[nodiscard]] const std::string& cursor() const { return session_->cursor(); }

  // What the daemon said of itself when it was connected to last: its version, `protocol`, `features` and
  // more.
  [[nodiscard]] const Json& hello() const { return session_->hello(); }

  // For programs that wait for many things at a time (Calls does): sends a command, whose `outcome` is there
  // once it has ended; advance_for() reads, or connects, once, and returns false when nothing came in time.
  [[nodiscard]] Result<CallPtr> send(std::string_view method, std::string_view params,
                                     const CallOptions& options);
  bool advance_for(std::chrono::milliseconds timeout);
  // How many items next() gives at once.
  [[nodiscard]] size_t waiting_items() const { return session_->items(); }

  // For programs with a loop of their own: readable when next() would find something; -1 while there is no
  // connection. Ask again after each next(), and call that now and then.
  [[nodiscard]] int fd() const { return socket_ ? socket_->fd() : -1; }

  // Why there was no connection when it was tried last. not_allowed: no access rule lets this user in, which
  // goes on until the rules are changed; otherwise not_connected.
  [[nodiscard]] const Error& why() const { return why_; }

 private:
  using Clock = LineSocket::Clock;

  explicit Client(ClientOptions options);
  template <typename T>
  static Result<T> read(const Json& answer) {
    if constexpr (std::is_void_v<T>) {
      return {};
    } else if constexpr (std::is_same_v<T, ari::Binary>) {
      return read_binary(answer);
    } else {
      return ari::ResultReader<T>::read(answer);
    }
  }
  static Result<ari::Binary> read_binary(const Json& answer);

  // Until it has ended or given up.
  Result<Json> run(const CallPtr& call, std::optional<std::chrono::milliseconds> timeout);
  // Connects or reads once. False when it has come to `until`.
  bool advance(LineSocket::Deadline& until);
  // Connects, and asks the daemon who it is: it is waited for until then, at least for greeting_timeout.
  void connect_once(Clock::time_point greeted_by);
  // For a command that does not wait for a connection.
  void try_to_connect(Clock::time_point until);
  void sleep_before_next_attempt(Clock::time_point until) const;
  // Reads once. False when nothing came until then.
  bool read(LineSocket::Deadline& until);
  // Sends what the session has to send.
  void flush();
  // The daemon takes nothing more: what came before is read.
  void hung_up(const std::string& reason);
  // The connection has ended, or there was none to be had.
  void lost(const std::string& reason);

  ClientOptions options_;
  std::unique_ptr<Session> session_;
  std::optional<LineSocket> socket_;
  LineSocket::Deadline greeted_{};
  Error why_{ErrorKind::not_connected, {}, {}};
  std::chrono::milliseconds pause_{0};
  Clock::time_point next_attempt_{};
};

}  // namespace aribus::client
