// One connection to aribusd: blocking, without a thread or a loop of its own.
#pragma once

#include <chrono>
#include <deque>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/fd.h"
#include "base/json.h"
#include "base/result.h"

namespace aribus::client {

// What the daemon sends without being asked: a record (`event`) or a hole in the stream (`lost`).
struct Notification {
  std::string method;
  Json params;  // the record's fields, or {from, to, records}
};

// It ends when the daemon does: Client (client.h) makes it anew. Not for use by several threads at a time.
class Connection {
 public:
  using Timeout = std::chrono::milliseconds;

  // Connects to the daemon's socket.
  // Errors: system, with what to do about it.
  [[nodiscard]] static Result<Connection> connect(const std::string& path);

  // Calls a method and waits for its answer; what arrives in the meantime is kept for next(). `params` is a
  // JSON object as text. Errors: the daemon's; outcome_unknown when no answer comes in time; not_connected
  // when the connection ends, with the daemon's reason if it gave one; not_allowed when that is that this
  // user may not connect.
  [[nodiscard]] Result<Json> call(std::string_view method, std::string_view params = "{}",
                                  Timeout timeout = std::chrono::seconds(15));

  // The same in two steps, so that many commands can be under way.
  [[nodiscard]] Result<uint64_t> send(std::string_view method, std::string_view params = "{}");
  [[nodiscard]] Result<Json> wait(uint64_t id, Timeout timeout = std::chrono::seconds(15));

  // The next notification; nothing when none comes in time.
  // Errors: not_connected when the connection ends.
  [[nodiscard]] Result<std::optional<Notification>> next(Timeout timeout);

  // For programs with a loop of their own: readable when next() or wait() would find something.
  [[nodiscard]] int fd() const { return socket_.get(); }

  // Waits until a notification has come. False when none comes in time. Errors: as next().
  [[nodiscard]] Result<bool> wait_for_notification(Timeout timeout);
  // False once the daemon has closed it, or it broke.
  [[nodiscard]] bool is_open() const { return open_; }
  // The daemon has closed it, whether what it sent before was read or not.
  [[nodiscard]] bool is_hung_up() const;
  // Reads what has come, to the end if it is closed.
  void drain();
  // Why the daemon ends the connection, if it said so, else "".
  [[nodiscard]] const std::string& end() const { return end_.message; }
  // What has come and was not fetched.
  [[nodiscard]] std::deque<Notification>& notifications() { return notifications_; }
  // Keeps at most so many notifications that are not fetched; has_dropped() tells whether more came.
  void keep_at_most(size_t count) { most_ = count; }
  [[nodiscard]] bool has_dropped() const { return dropped_; }
  // From now on notifications are kept again.
  void keep_again() { dropped_ = false; }

 private:
  explicit Connection(Fd socket) : socket_(std::move(socket)) {}
  using Clock = std::chrono::steady_clock;
  // Reads until a message has come. False when `until` passed first.
  Result<bool> receive(Clock::time_point until);
  Result<bool> read_more(Clock::time_point until);
  void sort_in(Json message);

  Error over(std::string_view how);

  Fd socket_;
  bool open_ = true;
  size_t most_ = std::numeric_limits<size_t>::max();
  bool dropped_ = false;
  Error end_{ErrorKind::not_connected, {}, {}};
  uint64_t next_id_ = 1;
  std::string buffer_;
  size_t taken_ = 0;  // bytes of buffer_ that were read as messages
  std::deque<Notification> notifications_;
  std::unordered_map<uint64_t, Json> answers_;
};

}  // namespace aribus::client
