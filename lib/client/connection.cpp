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

constexpr std::string_view unexpected = "aribusd answered something unexpected: ";
constexpr std::string_view unasked = "aribusd has sent something unexpected";
constexpr size_t kept_buffer_bytes = size_t{1} << 20;  // a larger one is given back
constexpr std::chrono::seconds drain_time{1};

Error malformed(const char* what) {
  return Error{ErrorKind::malformed, std::string(unexpected) + what, {}};
}

Error error_of(const JsonValue& error) {
  Error made;
  const JsonValue* code = find(error, "code");
  made.kind = kind_of(code != nullptr && code->IsInt() ? code->GetInt() : 0);
  made.message = find_string(error, "message");
  if (const JsonValue* data = find(error, "data")) made.data = to_text(*data);
  return made;
}

// The member `name` of `message`, which has it, without a copy.
Json taken_from(Json message, const char* name) {
  JsonValue member(std::move(message.FindMember(name)->value));
  static_cast<JsonValue&>(message).Swap(member);
  return message;
}

// What the answer `message` gives to who waits for it.
Result<Json> result_of(Json message) {
  if (const JsonValue* error = find(message, "error")) {
    if (find_string(*error, "message").empty()) return malformed("an error without a message");
    return error_of(*error);
  }
  if (find(message, "result") == nullptr) return malformed("an answer without a result");
  return taken_from(std::move(message), "result");
}

// 0 or more; poll's own type has room for it.
int milliseconds_until(std::chrono::steady_clock::time_point until) {
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
  return static_cast<int>(std::clamp<decltype(left)>(left, 0, 1'000'000'000));
}

}  // namespace

Result<Connection> Connection::connect(const std::string& path, const ConnectionOptions& options) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return Error{ErrorKind::invalid_params, path + ": too long for a socket's path", {}};
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return system_error("a socket");
  // connect() waits as long as send() would while the daemon accepts nobody.
  const auto microseconds = std::chrono::microseconds(options.connect_timeout).count();
  const timeval patience{microseconds / 1'000'000, microseconds % 1'000'000};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const int reason = errno;
    Error error = system_error("connecting to " + path);
    if (reason == ENOENT || reason == ECONNREFUSED) error.message += " (is aribusd running?)";
    if (reason == EACCES) error.message += " (is this user in the socket's group?)";
    if (reason == EAGAIN) error.message = "connecting to " + path + ": aribusd lets nobody in";
    return error;
  }
  return Connection(std::move(socket), options.max_line_bytes);
}

Result<uint64_t> Connection::send(std::string_view method, std::string_view params, Timeout timeout) {
  if (!is_open()) return over(std::string(over_));
  const auto until = Clock::now() + timeout;
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
  for (std::string_view left = line; !left.empty();) {
    const Result<bool> written = write_some(left, until);
    if (!written) {
      drain();  // it may have said why
      return over(closed);
    }
    if (!*written) return over("aribusd does not read what is sent to it");
  }
  answers_.emplace(id, std::nullopt);
  return id;
}

Result<bool> Connection::write_some(std::string_view& bytes, Clock::time_point until) const {
  pollfd ready{socket_.get(), POLLOUT, 0};
  const int found = ::poll(&ready, 1, milliseconds_until(until));
  if (found == 0) return false;
  const ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (count < 0 && errno != EINTR && errno != EAGAIN) return system_error("sending to aribusd");
  bytes.remove_prefix(count > 0 ? static_cast<size_t>(count) : 0);
  return true;
}

Result<Json> Connection::wait(uint64_t id, Timeout timeout) {
  Deadline until{Clock::now() + timeout};
  for (;;) {
    const auto at = answers_.find(id);
    if (at == answers_.end()) return Error{ErrorKind::internal, "no such command is under way", {}};
    if (at->second) {
      Json answer = std::move(*at->second);
      answers_.erase(at);
      return result_of(std::move(answer));
    }
    Result<bool> received = receive(until);
    if (received && *received) continue;
    answers_.erase(id);
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

bool Connection::is_hung_up() const {
  pollfd ended{socket_.get(), POLLRDHUP, 0};
  return ::poll(&ended, 1, 0) > 0;
}

void Connection::drain() {
  for (const auto until = Clock::now() + drain_time; Clock::now() < until;) {
    Deadline now{Clock::now()};
    const Result<bool> more = receive(now);
    pollfd ready{socket_.get(), POLLIN, 0};
    if (!more || (!*more && ::poll(&ready, 1, 0) <= 0)) return;
  }
}

Error Connection::over(std::string_view how) {
  over_ = how;
  std::string().swap(buffer_);
  taken_ = searched_ = 0;
  const std::string reason = end_.message.empty() ? "" : ": " + end_.message;
  return Error{end_.kind, over_ + reason, end_.data};
}

Result<bool> Connection::receive(Deadline& until) {
  if (!is_open()) return over(std::string(over_));
  for (;;) {
    const size_t end = buffer_.find('\n', taken_ + searched_);
    const bool whole = end != std::string::npos;
    const size_t size = (whole ? end : buffer_.size()) - taken_;
    if (size > max_line_bytes_) {
      return over("a line from aribusd is longer than " + std::to_string(max_line_bytes_) + " bytes");
    }
    if (whole) {
      Result<Json> message = parse_own_json(std::string_view(buffer_).substr(taken_, size));
      taken_ = end + 1;
      searched_ = 0;
      if (!message) return over("no JSON came over the connection: " + message.error().message);
      return sort_in(std::move(*message), size);
    }
    buffer_.erase(0, taken_);
    taken_ = 0;
    searched_ = buffer_.size();
    if (buffer_.empty() && buffer_.capacity() > kept_buffer_bytes) std::string().swap(buffer_);
    Result<bool> more = read_more(until);
    if (!more || !*more) return more;
  }
}

Result<bool> Connection::read_more(Deadline& until) {
  if (Clock::now() >= until.at && std::exchange(until.looked, true)) return false;
  pollfd ready{socket_.get(), POLLIN, 0};
  const int found = ::poll(&ready, 1, milliseconds_until(until.at));
  if (found < 0) return errno == EINTR ? Result<bool>(true) : system_error("waiting for aribusd");
  if (found == 0) return false;
  char bytes[64 * 1024];
  const ssize_t count = ::recv(socket_.get(), bytes, sizeof bytes, 0);
  if (count < 0 && errno == EINTR) return true;
  if (count <= 0) return over(closed);
  buffer_.append(bytes, static_cast<size_t>(count));
  return true;
}

// What is neither an answer to a command under way, nor a notification, nor the reason of the end is left
// out.
Result<bool> Connection::sort_in(Json message, size_t bytes) {
  const JsonValue* id = find(message, "id");
  if (id != nullptr && id->IsUint64()) {
    const auto at = answers_.find(id->GetUint64());
    if (at != answers_.end() && !at->second) at->second = std::move(message);
    return true;
  }
  if (const JsonValue* params = find(message, "params")) {
    if (!params->IsObject()) return over(unasked);
    return keep(std::move(message), bytes);
  }
  if (const JsonValue* error = find(message, "error")) {
    end_ = error_of(*error);
    if (end_.kind != ErrorKind::not_allowed) end_.kind = ErrorKind::not_connected;
  }
  return true;
}

Result<bool> Connection::keep(Json message, size_t bytes) {
  if (kept_bytes_ + bytes > max_line_bytes_) {  // those that were fetched since don't count
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
