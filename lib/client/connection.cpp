#include "client/connection.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/rpc_code.h"

namespace aribus::client {
namespace {

constexpr std::string_view closed = "aribusd has closed the connection";

Error error_of(const JsonValue& error) {
  Error made;
  const JsonValue* code = find(error, "code");
  made.kind = kind_of(code != nullptr && code->IsInt() ? code->GetInt() : 0);
  made.message = find_string(error, "message");
  if (const JsonValue* data = find(error, "data")) made.data = to_text(*data);
  return made;
}

}  // namespace

Result<Connection> Connection::connect(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return Error{ErrorKind::invalid_params, path + ": too long for a socket's path", {}};
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return system_error("a socket");
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const int reason = errno;
    Error error = system_error("connecting to " + path);
    if (reason == ENOENT || reason == ECONNREFUSED) error.message += " (is aribusd running?)";
    if (reason == EACCES) error.message += " (is this user in the socket's group?)";
    return error;
  }
  return Connection(std::move(socket));
}

Result<uint64_t> Connection::send(std::string_view method, std::string_view params) {
  const uint64_t id = next_id_++;
  const std::string line = render([&](JsonWriter& writer) {
                             writer.StartObject();
                             write_member(writer, "jsonrpc", "2.0");
                             write_key(writer, "id");
                             writer.Uint64(id);
                             write_member(writer, "method", method);
                             write_key(writer, "params");
                             write_raw(writer, params);
                             writer.EndObject();
                           }) +
                           "\n";
  for (size_t sent = 0; sent < line.size();) {
    const ssize_t count = ::send(socket_.get(), line.data() + sent, line.size() - sent, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      drain();  // it may have said why
      return over(closed);
    }
    sent += static_cast<size_t>(count);
  }
  return id;
}

Result<Json> Connection::wait(uint64_t id, Timeout timeout) {
  const auto until = Clock::now() + timeout;
  for (;;) {
    if (auto node = answers_.extract(id)) {
      if (const JsonValue* error = find(node.mapped(), "error")) return error_of(*error);
      const JsonValue* result = find(node.mapped(), "result");
      if (result == nullptr) return Error{ErrorKind::internal, "an answer without a result", {}};
      return copy_of(*result);
    }
    Result<bool> received = receive(until);
    if (!received) return received.error();
    if (!*received) {
      return Error{ErrorKind::outcome_unknown,
                   "no answer from aribusd within " + std::to_string(timeout.count()) + " ms",
                   {}};
    }
  }
}

Result<Json> Connection::call(std::string_view method, std::string_view params, Timeout timeout) {
  Result<uint64_t> id = send(method, params);
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
  const auto until = Clock::now() + timeout;
  while (notifications_.empty()) {
    Result<bool> received = receive(until);
    if (!received || !*received) return received;
  }
  return true;
}

bool Connection::is_hung_up() const {
  pollfd ended{socket_.get(), POLLRDHUP, 0};
  return ::poll(&ended, 1, 0) > 0;
}

void Connection::drain() {
  for (Result<bool> more = true; more && *more;) more = receive(Clock::now());
}

Error Connection::over(std::string_view how) {
  open_ = false;
  const std::string reason = end_.message.empty() ? "" : ": " + end_.message;
  return Error{end_.kind, std::string(how) + reason, end_.data};
}

Result<bool> Connection::receive(Clock::time_point until) {
  for (size_t searched = taken_;;) {
    const size_t end = buffer_.find('\n', searched);
    if (end != std::string::npos) {
      Result<Json> message = parse_json(std::string_view(buffer_).substr(taken_, end - taken_));
      taken_ = end + 1;
      if (!message) return over("no JSON came over the connection: " + message.error().message);
      sort_in(std::move(*message));
      return true;
    }
    buffer_.erase(0, taken_);
    taken_ = 0;
    searched = buffer_.size();
    Result<bool> more = read_more(until);
    if (!more || !*more) return more;
  }
}

Result<bool> Connection::read_more(Clock::time_point until) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
  pollfd ready{socket_.get(), POLLIN, 0};
  const int found = ::poll(&ready, 1, static_cast<int>(std::clamp<decltype(left)>(left, 0, 1'000'000'000)));
  if (found < 0) return errno == EINTR ? Result<bool>(true) : system_error("waiting for aribusd");
  if (found == 0) return false;
  char bytes[64 * 1024];
  const ssize_t count = ::recv(socket_.get(), bytes, sizeof bytes, 0);
  if (count < 0 && errno == EINTR) return true;
  if (count <= 0) return over(closed);
  buffer_.append(bytes, static_cast<size_t>(count));
  return true;
}

void Connection::sort_in(Json message) {
  const JsonValue* id = find(message, "id");
  if (id != nullptr && id->IsUint64()) {
    answers_.emplace(id->GetUint64(), std::move(message));
    return;
  }
  const JsonValue* params = find(message, "params");
  if (params == nullptr) {
    if (const JsonValue* error = find(message, "error")) {
      end_ = error_of(*error);
      if (end_.kind != ErrorKind::not_allowed) end_.kind = ErrorKind::not_connected;
    }
    return;
  }
  dropped_ = dropped_ || notifications_.size() >= most_;
  if (dropped_) return;
  Notification notification;
  notification.method = find_string(message, "method");
  notification.params = copy_of(*params);
  notifications_.push_back(std::move(notification));
}

}  // namespace aribus::client
