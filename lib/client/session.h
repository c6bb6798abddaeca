// A client's commands and subscription, without any input or output.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <string_view>

#include "client/item.h"
#include "client/messages.h"
#include "client/subscription.h"

namespace aribus::client {

// The error for a daemon that accepts the connection and does not answer.
inline constexpr std::string_view silent_daemon = "aribusd does not say who it is";

class Session {
 public:
  // When `queued` records wait for the program, reading stops; at most twice as many wait, of `max_bytes`
  // together. The daemon's ring keeps the others.
  explicit Session(size_t max_bytes, size_t queued = 1000) : max_bytes_(max_bytes), queued_(queued) {}
  Session(const Session&) = delete;  // its parts refer to each other
  Session& operator=(const Session&) = delete;

  // Connected, and `hello` is answered.
  [[nodiscard]] bool is_ready() const { return ready_; }
  // Whether to read: records that the program does not take stay in the daemon's ring.
  [[nodiscard]] bool wants_more() const;
  // Takes the bytes to send now.
  [[nodiscard]] std::string take_unsent() { return std::exchange(unsent_, {}); }
  // The latest answer to `hello`; null before.
  [[nodiscard]] const Json& hello() const { return hello_; }
  // Why the daemon closes the connection, if that was its last line; otherwise its message is "".
  // not_allowed: no access rule admits this user; otherwise not_connected.
  [[nodiscard]] const Error& end() const { return end_; }

  // The connection.

  void opened();
  // There is no connection.
  void closed(const std::string& reason);
  // Takes a line. Errors: not_connected if aribusd sends no such line: the connection must then be closed.
  [[nodiscard]] Result<void> received(std::string_view line);

  // Calls of the program.

  // Ends it at once with invalid_params when it can't be sent.
  void call(const CallPtr& call);
  // The program no longer waits for it.
  void give_up(const CallPtr& call, const std::string& reason);
  [[nodiscard]] size_t items() const { return items_.size(); }
  // The next item. Required: there is one. Errors: the daemon's, when it refuses the subscription.
  [[nodiscard]] Result<Item> take();
  // The position after the latest item handed out.
  [[nodiscard]] const std::string& cursor() const { return cursor_; }

 private:
  struct Waiting {
    Result<Item> item;
    std::string cursor;  // behind it
    size_t bytes;
  };

  void tell(Result<Json> item, size_t bytes = 0);
  // Sends the subscription's next request, if it has one.
  void go_on();
  void enroll(const CallPtr& call);
  [[nodiscard]] std::string params_of(const Call& call) const;
  void write(const CallPtr& call);
  // It was answered.
  void finish(const CallPtr& call, Result<Json> outcome);
  void stray(const JsonValue& error, const Json& message);
  Result<void> notified(std::string_view method, Json params, size_t bytes);
  void greeted(Json hello);

  size_t max_bytes_, queued_;
  bool ready_ = false;
  std::string unsent_;
  Json hello_;
  Error end_{ErrorKind::not_connected, {}, {}};
  std::string why_ = "not connected to aribusd";  // why it is not ready
  std::string run_;                               // which run of the daemon it is
  size_t request_bytes_ = default_request_bytes;  // the longest line that it accepts
  uint64_t next_id_ = 1;
  size_t lines_ = 0;                   // sent over this connection
  std::map<uint64_t, CallPtr> calls_;  // sent and not answered, or (those with a key) to be sent again
  SubscriptionState subscription_{[this](Result<Json> item) { tell(std::move(item)); }};
  std::deque<Waiting> items_;
  size_t item_bytes_ = 0;
  std::string cursor_;
  bool told_ = false;  // the program knows that there is no connection
};

}  // namespace aribus::client
