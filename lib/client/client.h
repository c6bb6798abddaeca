// A client of aribusd for C++ programs: blocking, without a thread or a loop of its own.
#pragma once

#include <chrono>
#include <deque>
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

// One connection to aribusd. Not for use by several threads at a time.
class Client {
 public:
  using Timeout = std::chrono::milliseconds;

  // Connects to the daemon's socket.
  // Errors: system, with what to do about it.
  [[nodiscard]] static Result<Client> connect(const std::string& path);

  // Calls a method and waits for its answer; what arrives in the meantime is kept for next(). `params` is a
  // JSON object as text. Errors: the daemon's; outcome_unknown when no answer comes in time; not_connected
  // when the connection ends.
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

 private:
  explicit Client(Fd socket) : socket_(std::move(socket)) {}
  using Clock = std::chrono::steady_clock;
  // Reads until a message has come. False when `until` passed first.
  Result<bool> receive(Clock::time_point until);
  Result<bool> read_more(Clock::time_point until);
  void sort_in(Json message);

  Fd socket_;
  uint64_t next_id_ = 1;
  std::string buffer_;
  size_t taken_ = 0;  // bytes of buffer_ that were read as messages
  std::deque<Notification> notifications_;
  std::unordered_map<uint64_t, Json> answers_;
};

}  // namespace aribus::client
