// Lines over a Unix socket: blocking, without a thread or a loop.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace aribus::client {

class LineSocket {
 public:
  using Clock = std::chrono::steady_clock;
  // A time until which to wait. Input that has come by then is still read.
  struct Deadline {
    Clock::time_point at{};
    bool looked = false;
  };
  // For reading what is left of a connection that was closed.
  static constexpr std::chrono::seconds drain_time{1};

  // Connects within a time limit. A line may have max_line_bytes.
  // Errors: system, with the cure.
  [[nodiscard]] static Result<LineSocket> connect(const std::string& path, std::chrono::milliseconds timeout,
                                                  size_t max_line_bytes);

  // Writes all of it.
  // Errors: not_connected, also when the other side does not read in time. What was sent before it closed the
  // connection can still be read.
  [[nodiscard]] Result<void> write(std::string_view bytes, Clock::time_point until) const;

  // The next line without its end, valid until the next call; nothing when none comes in time.
  // Errors: not_connected, when the connection has ended or the line is too long.
  [[nodiscard]] Result<std::optional<std::string_view>> read_line(Deadline& until);

  // Whether the other side has closed it, even if its last lines were not read yet.
  [[nodiscard]] bool is_hung_up() const;
  // Whether the descriptor has input. Bytes that were read and not returned as lines do not count.
  [[nodiscard]] bool is_readable() const;
  [[nodiscard]] int fd() const { return socket_.get(); }

 private:
  LineSocket(Fd socket, size_t max_line_bytes)
      : socket_(std::move(socket)), max_line_bytes_(max_line_bytes) {}
  Result<bool> read_more(Deadline& until);
  [[nodiscard]] bool is_ready(short what) const;

  Fd socket_;
  size_t max_line_bytes_;
  std::string buffer_;
  size_t taken_ = 0;     // bytes of buffer_ that were returned as lines
  size_t searched_ = 0;  // bytes of buffer_ after those, without a line end
};

}  // namespace aribus::client
