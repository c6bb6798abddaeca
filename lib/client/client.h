// A client of aribusd for C++ programs, which connects again whenever the connection breaks, for ever.
#pragma once

#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ari/answer.h"
#include "ari/events.h"
#include "ari/parameters.h"
#include "client/connection.h"

namespace aribus::client {

// Where the daemon is.
struct ClientOptions {
  std::string path{};                 // its socket; empty: $ARIBUS_SOCKET, otherwise /run/aribus/aribus.sock
  std::chrono::milliseconds wait{0};  // how long to try for the first connection; 0: once
  // Of one line of the daemon, and of the items together that wait (Client has at most 2,000 of them wait,
  // too). ConnectionOptions says what it must have room for.
  size_t max_line_bytes = ConnectionOptions().max_line_bytes;
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
};

// What a subscription gives: a record, or one of the client's own, by its type:
//   subscribed    it came into force, for the first time or again: what the daemon answered (cursor, resumed,
//                 reason, snapshot). When `resumed` is false, records are missing
//   lost          from, to, records: this program was too slow for them
//   disconnected  reason: there is no connection; it is made again
struct Item {
  std::string type;
  Json fields;

  // The record as ARI's event, `fields` otherwise. Required for as(): T is one of ari/events.h.
  // Errors: malformed, saying where and why it is not what Asterisk declares.
  template <typename T>
  [[nodiscard]] Result<T> as() const {
    return ari::from_json<T>(as_asterisk_sent_it());
  }
  [[nodiscard]] Result<ari::AnyEvent> event() const;

 private:
  [[nodiscard]] Json as_asterisk_sent_it() const;
};

// A client without a thread or a loop: it reads while call() or next() waits. Not for use by several threads
// at a time.
class Client {
 public:
  // Connects. A daemon that lets it in has 10 s to say who it is; the same holds for each later connection.
  // Errors: not_connected, with cause and cure.
  [[nodiscard]] static Result<Client> connect(ClientOptions options = {});

  // Calls a method of the daemon; `params` is a JSON object as text. With a key it waits for a connection and
  // repeats the command, as long as that is safe.
  // Errors: the daemon's; not_connected when nothing was sent; outcome_unknown when the connection broke or
  // no answer came in time.
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
  [[nodiscard]] const std::string& cursor() const { return cursor_; }

  // For programs with a loop of their own: readable when next() would find something; -1 while there is no
  // connection. Ask again after each next(), and call that now and then.
  [[nodiscard]] int fd() const { return connection_ ? connection_->fd() : -1; }

 private:
  using Clock = std::chrono::steady_clock;
  struct Waiting {
    Item item;
    std::string cursor;  // behind it
  };

  explicit Client(ClientOptions options) : options_(std::move(options)) {}
  template <typename T>
  static Result<T> read(const Json& answer) {
    if constexpr (std::is_void_v<T>) {
      return {};
    } else if constexpr (std::is_same_v<T, ari::Binary>) {
      return read_binary(answer);
    } else {
      return ari::AnswerOf<T>::read(answer);
    }
  }
  static Result<ari::Binary> read_binary(const Json& answer);

  // Connects once, greets the daemon (until then at most), and subscribes as before.
  Result<void> reconnect(Clock::time_point until = Clock::time_point::max());
  // Calls over the connection that is there; there may be none afterwards.
  Result<Json> call_once(std::string_view method, std::string_view params, Clock::time_point until);
  void sleep_before_next_attempt(Clock::time_point until) const;
  // The connection has ended, or there was none to be had: takes what came before.
  void lost(const std::string& reason);
  Result<void> subscribe_again();
  // False when it is no answer to `subscribe`.
  bool subscribed(Json result);
  Waiting waiting(Notification notification);
  void take_notifications();

  ClientOptions options_;
  std::optional<Connection> connection_;
  std::string run_;                           // which run of the daemon it is
  std::optional<Subscription> subscription_;  // in force
  std::deque<Waiting> items_;
  std::string place_;   // the cursor behind what came last
  std::string cursor_;  // behind what was handed out last
  std::string why_;     // there is no connection
  bool told_ = false;   // that there is none
  std::chrono::milliseconds pause_{0};
  Clock::time_point next_attempt_{};
};

}  // namespace aribus::client
