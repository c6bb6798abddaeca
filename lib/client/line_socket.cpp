#include "client/line_socket.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace aribus::client {
namespace {

constexpr size_t kept_buffer_bytes = size_t{1} << 20;  // a larger buffer is freed

Error ended(std::string why) {
  return Error{ErrorKind::not_connected, std::move(why), {}};
}
Error closed() {
  return ended("aribusd has closed the connection");
}

// 0 or more; poll's own type has room for it.
int milliseconds_until(LineSocket::Clock::time_point until) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - LineSocket::Clock::now()).count();
  return static_cast<int>(std::clamp<decltype(left)>(left, 0, 1'000'000'000));
}

}  // namespace

Result<LineSocket> LineSocket::connect(const std::string& path, std::chrono::milliseconds timeout,
                                       size_t max_line_bytes) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return Error{ErrorKind::invalid_params, path + ": too long for a socket's path", {}};
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return system_error("a socket");
  // This also limits how long connect() waits while the daemon accepts nobody.
  const auto microseconds = std::chrono::microseconds(timeout).count();
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
  return LineSocket(std::move(socket), max_line_bytes);
}

Result<void> LineSocket::write(std::string_view bytes, Clock::time_point until) const {
  while (!bytes.empty()) {
    pollfd ready{socket_.get(), POLLOUT, 0};
    if (::poll(&ready, 1, milliseconds_until(until)) == 0)
      return ended("aribusd does not read what is sent to it");
    const ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0 && errno != EINTR && errno != EAGAIN) return closed();
    bytes.remove_prefix(count > 0 ? static_cast<size_t>(count) : 0);
  }
  return {};
}

Result<std::optional<std::string_view>> LineSocket::read_line(Deadline& until) {
  for (;;) {
    const size_t end = buffer_.find('\n', taken_ + searched_);
    const bool whole = end != std::string::npos;
    const size_t size = (whole ? end : buffer_.size()) - taken_;
    if (size > max_line_bytes_) {
      std::string().swap(buffer_);
      taken_ = searched_ = 0;
      return ended("a line from aribusd is longer than " + std::to_string(max_line_bytes_) + " bytes");
    }
    if (whole) {
      const std::string_view line = std::string_view(buffer_).substr(taken_, size);
      taken_ = end + 1;
      searched_ = 0;
      return std::optional(line);
    }
    buffer_.erase(0, taken_);
    taken_ = 0;
    searched_ = buffer_.size();
    if (buffer_.empty() && buffer_.capacity() > kept_buffer_bytes) std::string().swap(buffer_);
    const Result<bool> more = read_more(until);
    if (!more) return more.error();
    if (!*more) return std::optional<std::string_view>();
  }
}

Result<bool> LineSocket::read_more(Deadline& until) {
  if (Clock::now() >= until.at && std::exchange(until.looked, true)) return false;
  pollfd ready{socket_.get(), POLLIN, 0};
  const int found = ::poll(&ready, 1, milliseconds_until(until.at));
  if (found < 0) return errno == EINTR ? Result<bool>(true) : system_error("waiting for aribusd");
  if (found == 0) return false;
  char bytes[64 * 1024];
  const ssize_t count = ::recv(socket_.get(), bytes, sizeof bytes, 0);
  if (count < 0 && errno == EINTR) return true;
  if (count <= 0) return closed();
  buffer_.append(bytes, static_cast<size_t>(count));
  return true;
}

bool LineSocket::is_ready(short what) const {
  pollfd ready{socket_.get(), what, 0};
  return ::poll(&ready, 1, 0) > 0;
}

bool LineSocket::is_hung_up() const {
  return is_ready(POLLRDHUP);
}
bool LineSocket::is_readable() const {
  return is_ready(POLLIN);
}

}  // namespace aribus::client
