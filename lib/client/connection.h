// One connection to aribusd: blocking, without a thread or a loop.
#pragma once

#include <chrono>
#include <deque>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"
#include "client/line_socket.h"
#include "client/messages.h"
#include "json/json.h"

namespace aribus::client {

// A notification of the daemon: a record (`event`) or a gap in the stream (`lost`).
struct Notification {
  std::string method;
  Json params;       // the record's fields, or {from, to, records}
  size_t bytes = 0;  // of its line
};

// Limits of a connection.
struct ConnectionOptions {
  // The longest line that is accepted, and the size of all notifications that wait to be fetched. More ends
  // the connection (see keep_at_most()). The longest answer must fit: a recording has 4/3 of Asterisk's bytes
  // (`max_response_bytes`), a snapshot about 1 KiB per channel. As JSON values, a line takes up to eight
  // times its length in memory.
  size_t max_line_bytes = size_t{128} << 20;
  // How long the daemon may take to accept the connection.
  std::chrono::milliseconds connect_timeout{5000};
  // The longest request to send: the daemon's limit of a line (`limits.request_bytes`).
  size_t max_request_bytes = default_request_bytes;
};

// Ends when the daemon does; Client (client.h) reconnects. Not thread-safe.
class Connection {
 public:
  using Timeout = std::chrono::milliseconds;

  // Connects to the daemon's socket.
  // Errors: system, with what to do about it.
  [[nodiscard]] static Result<Connection> connect(const std::string& path,
                                                  const ConnectionOptions& options = {});

  // Calls a method and waits for its answer; notifications in the meantime are kept for next(). `params` is a
  // JSON object as text. Errors: the daemon's; outcome_unknown when no answer comes in time; not_connected
  // when the connection ends, with the daemon's reason if it gave one; not_allowed when this user may not
  // connect; malformed when the line is no answer; those of send().
  [[nodiscard]] Result<Json> call(std::string_view method, std::string_view params = "{}",
                                  Timeout timeout = std::chrono::seconds(15));

  // The same in two steps, so that many commands can be under way. An answer that comes after wait() gave up
  // is dropped. Errors of send(): invalid_params when the daemon could not read it, and nothing is sent;
  // not_connected when the connection has ended, or the daemon does not read in time; then it ends.
  [[nodiscard]] Result<uint64_t> send(std::string_view method, std::string_view params = "{}",
                                      Timeout timeout = std::chrono::seconds(15));
  [[nodiscard]] Result<Json> wait(uint64_t id, Timeout timeout = std::chrono::seconds(15));

  // The next notification; nothing when none comes in time.
  // Errors: not_connected when the connection ends, also because a line is no JSON, no notification or too
  // long.
  [[nodiscard]] Result<std::optional<Notification>> next(Timeout timeout);

  // For programs with a loop of their own: readable when next() or wait() would return something.
  [[nodiscard]] int fd() const { return socket_.fd(); }

  // Waits for a notification. Returns false when none comes in time. Errors: those of next().
  [[nodiscard]] Result<bool> wait_for_notification(Timeout timeout);
  // Sets the longest request to send, as the daemon's answer to `hello` has it.
  void limit_requests(size_t max_bytes) { max_request_bytes_ = max_bytes; }
  // False once the daemon has closed it, or it broke.
  [[nodiscard]] bool is_open() const { return over_.empty(); }
  // Whether the daemon has closed it, even if its last lines were not read yet.
  [[nodiscard]] bool is_hung_up() const { return socket_.is_hung_up(); }
  // Reads all input, to the end if the connection is closed; for 1 s at most.
  void drain();
  // Why the daemon closes the connection, if that was its last line; otherwise "".
  [[nodiscard]] const std::string& end() const { return end_.message; }
  // The notifications that were not fetched yet.
  [[nodiscard]] std::deque<Notification>& notifications() { return notifications_; }
  // Keeps at most `count` notifications that are not fetched, of max_line_bytes together: further ones are
  // dropped, see has_dropped(). Without this limit, more bytes end the connection.
  void keep_at_most(size_t count) { most_ = count; }
  [[nodiscard]] bool has_dropped() const { return dropped_; }
  // Keeps notifications again from now on.
  void keep_again() { dropped_ = false; }

 private:
  using Clock = LineSocket::Clock;
  using Deadline = LineSocket::Deadline;
  // A command under way.
  struct Pending {
    size_t line;  // the number of its line
    std::optional<Json> answer{};
  };

  Connection(LineSocket socket, const ConnectionOptions& options)
      : socket_(std::move(socket)),
        max_line_bytes_(options.max_line_bytes),
        max_request_bytes_(options.max_request_bytes) {}
  // Reads until a message has come. False when the time is over.
  Result<bool> receive(Deadline& until);
  Result<bool> sort_in(Json message, size_t bytes);
  Result<bool> keep(Json message, size_t bytes);
  void take_stray(Json message);

  // Ends the connection and returns the error.
  Error over(std::string_view how);

  LineSocket socket_;
  size_t max_line_bytes_;
  size_t max_request_bytes_;
  std::string over_;  // how it ended; "" while it is open
  size_t most_ = std::numeric_limits<size_t>::max();
  bool dropped_ = false;
  Error end_{ErrorKind::not_connected, {}, {}};
  uint64_t next_id_ = 1;
  size_t lines_ = 0;  // sent
  std::deque<Notification> notifications_;
  size_t kept_bytes_ = 0;                          // of their lines, and of some fetched ones
  std::unordered_map<uint64_t, Pending> pending_;  // by their ids
};

}  // namespace aribus::client
