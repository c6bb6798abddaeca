#include "client/connection.h"

#include <utility>
#include <vector>

namespace aribus::client {
namespace {

constexpr std::string_view unasked = "aribusd has sent something unexpected";

}  // namespace

Result<Connection> Connection::connect(const std::string& path, const ConnectionOptions& options) {
  Result<LineSocket> socket = LineSocket::connect(path, options.connect_timeout, options.max_line_bytes);
  if (!socket) return socket.error();
  return Connection(std::move(*socket), options);
}

Result<uint64_t> Connection::send(std::string_view method, std::string_view params, Timeout timeout) {
  if (!is_open()) return over(std::string(over_));
  const Result<std::string> line = request_line(next_id_, method, params, max_request_bytes_);
  if (!line) return line.error();
  if (const Result<void> written = socket_.write(*line + "\n", Clock::now() + timeout); !written) {
    drain();  // it may have sent the reason
    return over(written.error().message);
  }
  pending_.emplace(next_id_, Pending{++lines_});
  return next_id_++;
}

Result<Json> Connection::wait(uint64_t id, Timeout timeout) {
  Deadline until{Clock::now() + timeout};
  for (;;) {
    const auto at = pending_.find(id);
    if (at == pending_.end()) return Error{ErrorKind::internal, "no such command is under way", {}};
    if (at->second.answer) {
      Json answer = std::move(*at->second.answer);
      pending_.erase(at);
      return result_of(std::move(answer));
    }
    Result<bool> received = receive(until);
    if (received && *received) continue;
    pending_.erase(id);
    if (!received) return received.error();
    return Error{ErrorKind::outcome_unknown,
                 "no answer from aribusd within " + std::to_string(timeout.count()) + " ms",
                 {}};
  }
}

Result<Json> Connection::call(std::string_view method, std::string_view params, Timeout timeout) {
  Result<uint64_t> id = send(method, params, timeout);
  if (!id) return id.error();
  return wait(*id, timeout);
}

Result<std::optional<Notification>> Connection::next(Timeout timeout) {
  const Result<bool> came = wait_for_notification(timeout);
  if (!came) return came.error();
  if (!*came) return std::optional<Notification>();
  std::optional<Notification> first(std::move(notifications_.front()));
  notifications_.pop_front();
  return first;
}

Result<bool> Connection::wait_for_notification(Timeout timeout) {
  Deadline until{Clock::now() + timeout};
  while (notifications_.empty()) {
    Result<bool> received = receive(until);
    if (!received || !*received) return received;
  }
  return true;
}

void Connection::drain() {
  for (const auto until = Clock::now() + LineSocket::drain_time; Clock::now() < until;) {
    Deadline now{Clock::now()};
    const Result<bool> more = receive(now);
    if (!more || (!*more && !socket_.is_readable())) return;
  }
}

Error Connection::over(std::string_view how) {
  over_ = how;
  const std::string reason = end_.message.empty() ? "" : ": " + end_.message;
  return Error{end_.kind, over_ + reason, end_.data};
}

Result<bool> Connection::receive(Deadline& until) {
  if (!is_open()) return over(std::string(over_));
  const Result<std::optional<std::string_view>> line = socket_.read_line(until);
  if (!line) return over(line.error().message);
  if (!*line) return false;
  Result<Json> message = parse_own_json(**line);
  if (!message) return over("no JSON came over the connection: " + message.error().message);
  return sort_in(std::move(*message), (*line)->size());
}

// Drops lines that are neither an answer to a command under way, nor a notification, nor the reason for the
// end.
Result<bool> Connection::sort_in(Json message, size_t bytes) {
  end_ =
      Error{ErrorKind::not_connected, {}, {}};  // an earlier line was not the reason: the connection goes on
  const JsonValue* id = find(message, "id");
  if (id != nullptr && id->IsUint64()) {
    const auto at = pending_.find(id->GetUint64());
    if (at != pending_.end() && !at->second.answer) at->second.answer = std::move(message);
    return true;
  }
  if (find(message, "method") != nullptr) {
    const std::string_view method = find_string(message, "method");
    if (method != "event" && method != "lost") return true;  // newer than this library
    const JsonValue* params = find(message, "params");
    if (params == nullptr || !params->IsObject()) return over(unasked);
    return keep(std::move(message), bytes);
  }
  if (find(message, "error") != nullptr) take_stray(std::move(message));
  return true;
}

// An error about a line that the daemon could not read, or the reason why it closes the connection.
void Connection::take_stray(Json message) {
  StrayError stray = read_stray(message["error"]);
  std::vector<Pending*> unanswered;
  for (auto& [id, pending] : pending_) {
    if (!pending.answer) unanswered.push_back(&pending);
  }
  // From daemons that do not count lines.
  if (stray.line == 0 && stray.is_unreadable && unanswered.size() == 1) stray.line = unanswered.front()->line;
  for (Pending* pending : unanswered) {
    if (pending->line != stray.line) continue;
    pending->answer = std::move(message);
    return;
  }
  end_ = error_of(*stray.error);
  if (end_.kind != ErrorKind::not_allowed) end_.kind = ErrorKind::not_connected;
}

Result<bool> Connection::keep(Json message, size_t bytes) {
  if (kept_bytes_ + bytes > max_line_bytes_) {  // those fetched since don't count
    kept_bytes_ = 0;
    for (const Notification& notification : notifications_) kept_bytes_ += notification.bytes;
  }
  const bool full = kept_bytes_ > 0 && kept_bytes_ + bytes > max_line_bytes_;
  if (full && most_ == std::numeric_limits<size_t>::max()) {
    return over("more than " + std::to_string(max_line_bytes_) +
                " bytes of notifications wait to be fetched");
  }
  dropped_ = dropped_ || full || notifications_.size() >= most_;
  if (dropped_) return true;
  kept_bytes_ += bytes;
  Notification notification;
  notification.bytes = bytes;
  notification.method = find_string(message, "method");
  notification.params = taken_from(std::move(message), "params");
  notifications_.push_back(std::move(notification));
  return true;
}

}  // namespace aribus::client
