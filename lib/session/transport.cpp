#include "session/transport.h"

#include <array>
#include <cerrno>
#include <utility>

#include <poll.h>
#include <sys/socket.h>

namespace aribus::session {
namespace {

// What send() and sendmsg() returned, as write() returns it.
std::optional<size_t> taken(ssize_t count) {
  if (count >= 0) return static_cast<size_t>(count);
  return errno == EAGAIN || errno == EWOULDBLOCK ? std::optional<size_t>(0) : std::nullopt;
}

}  // namespace

Transport::Transport(Loop& loop, Fd socket, std::function<void(int)> on_ready)
    : socket_(std::move(socket)), poll_(loop, socket_.get()) {
  poll_.watch(UV_READABLE, std::move(on_ready));
}

Transport::Input Transport::read(std::string& bytes) {
  // One buffer for all connections: it holds nothing between two calls.
  static std::array<char, 64 * 1024> buffer;
  ssize_t count = 0;
  do {
    count = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  } while (count < 0 && errno == EINTR);
  if (count == 0) return Input::end;
  if (count < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? Input::nothing : Input::broken;
  bytes.assign(buffer.data(), static_cast<size_t>(count));
  return Input::bytes;
}

std::optional<size_t> Transport::write(std::string_view bytes) {
  ssize_t count = 0;
  do {
    count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (count < 0 && errno == EINTR);
  return taken(count);
}

std::optional<size_t> Transport::write(std::span<iovec> pieces) {
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = pieces.size();
  ssize_t count = 0;
  do {
    count = ::sendmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (count < 0 && errno == EINTR);
  return taken(count);
}

bool Transport::is_hung_up() const {
  pollfd state{socket_.get(), 0, 0};
  return ::poll(&state, 1, 0) > 0 && (state.revents & (POLLHUP | POLLERR)) != 0;
}

}  // namespace aribus::session
