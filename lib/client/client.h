// A client of aribusd for C++ programs. It reconnects whenever the connection breaks.
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
  std::string path{};                 // its socket; empty: $ARIBUS_SOCKET, otherwise default_socket
  std::chrono::milliseconds wait{0};  // how long to try for the first connection; 0: once
  // The longest line from the daemon, and the size of all waiting items together (of which there are also at
  // most 2,000). See ConnectionOptions for what must fit.
  size_t max_line_bytes = ConnectionOptions().max_line_bytes;
  // How long the daemon may take to answer `hello`; for the first connection, `wait` if that is longer.
  std::chrono::milliseconds greeting_timeout{10'000};
};

// How a command is sent.
struct CallOptions {
  std::string server{};  // the Asterisk, by its name in the daemon's configuration
  std::string key{};     // makes repeats safe: see Client::call()
  std::optional<std::chrono::milliseconds> timeout{};  // none: the daemon's own
};

// Which records are delivered; docs/protocol.md, "Subscribing". An empty list matches everything.
struct Subscription {
  std::vector<std::string> types{};
  std::vector<std::string> exclude{};
  std::vector<std::string> servers{};
  std::vector<std::string> apps{};
  std::vector<std::string> channels{};
  std::vector<std::string> bridges{};
  std::vector<std::string> endpoints{};
  std::vector<std::string> calls{};
  std::string since{};  // a cursor: begin with the record after it
  bool snapshot = false;
  std::string on_overflow{};  // "lost" or "disconnect"
  std::string from{};         // "newest" or "oldest"; needs a daemon with the feature `from`
};

// A client without a thread or a loop: it reads while call() or next() waits. Not thread-safe.
class Client {
 public:
  // Connects.
  // Errors: not_connected, with cause and cure; not_allowed, when no access rule lets this user in.
  [[nodiscard]] static Result<Client> connect(ClientOptions options = {});

  // Calls a method of the daemon; `params` is a JSON object as text. With a key, it waits for a connection
  // and repeats the command while that is safe. Without one, a new object gets an id of new_id() unless
  // `params` has one. Errors: the daemon's; invalid_params and not_connected when nothing was sent;
  // outcome_unknown when the connection broke or no answer came in time.
  [[nodiscard]] Result<Json> call(std::string_view method, std::string_view params = "{}",
                                  const CallOptions& options = {});

  // Calls an operation of ARI: client.call(ari::ChannelsAnswer{.channelId = id}).
  // Errors: those above; malformed when the answer is not as Asterisk declares it.
  template <typename Params>
  [[nodiscard]] Result<typename Params::Answer> call(const Params& params, const CallOptions& options = {}) {
    Result<Json> answer = call(Params::method, ari::to_json(params), options);
    if (!answer) return std::move(answer.error());
    return read<typename Params::Answer>(*answer);
  }

  // Subscribes, replacing the previous subscription; waits for a connection if there is none. next() then
  // returns an item `subscribed` and the records.
  [[nodiscard]] Result<void> subscribe(const Subscription& subscription = {});

  // The next item; nothing when none comes in time. Reconnecting can take longer than `timeout`. Errors: the
  // daemon's, when it refuses the subscription after a reconnect.
  [[nodiscard]] Result<std::optional<Item>> next(std::chrono::milliseconds timeout);

  // The position after the latest item of next(), for `since`, also in another process. Empty at first.
  [[nodiscard]] const std::string& cursor() const { return session_->cursor(); }

  // The daemon's answer to `hello` on the latest connection: its version, `protocol`, `features` and more.
  [[nodiscard]] const Json& hello() const { return session_->hello(); }

  // For programs that have many commands under way, such as Calls: sends a command, whose `outcome` is set
  // once it has ended. advance_for() reads or connects once, and returns false if nothing came in time.
  [[nodiscard]] Result<CallPtr> send(std::string_view method, std::string_view params,
                                     const CallOptions& options);
  bool advance_for(std::chrono::milliseconds timeout);
  // Number of items that next() returns without waiting.
  [[nodiscard]] size_t waiting_items() const { return session_->items(); }

  // For programs with a loop of their own: readable when next() would return an item; -1 while there is no
  // connection. It can change with each next(), which must be called from time to time to reconnect.
  [[nodiscard]] int fd() const { return socket_ ? socket_->fd() : -1; }

  // Why the latest attempt to connect failed. not_allowed: no access rule admits this user, until the rules
  // are changed; otherwise not_connected.
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

  // Waits until it has ended or is given up.
  Result<Json> run(const CallPtr& call, std::optional<std::chrono::milliseconds> timeout);
  // Connects or reads once. Returns false at `until`.
  bool advance(LineSocket::Deadline& until);
  // Connects and sends `hello`, whose answer may take until `greeted_by`, and greeting_timeout at least.
  void connect_once(Clock::time_point greeted_by);
  // For a command that does not wait for a connection.
  void try_to_connect(Clock::time_point until);
  void sleep_before_next_attempt(Clock::time_point until) const;
  // Reads once. Returns false when nothing came until then.
  bool read(LineSocket::Deadline& until);
  // Sends what the session has to send.
  void flush();
  // The daemon has closed the connection: reads what it sent before.
  void hung_up(const std::string& reason);
  // The connection has ended, or connecting failed.
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
