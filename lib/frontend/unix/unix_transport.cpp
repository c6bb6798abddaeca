#include "frontend/unix/unix_transport.h"

#include <array>
#include <utility>

#include <poll.h>

#include "net/socket_io.h"

namespace aribus::frontend {

UnixTransport::UnixTransport(Loop& loop, Fd socket)
    : socket_(std::move(socket)), poll_(loop, socket_.get()) {}

void UnixTransport::start(std::function<void(bool, bool)> on_ready) {
  poll_.watch(0, [on_ready = std::move(on_ready)](int events) {
    on_ready((events & UV_READABLE) != 0, (events & UV_WRITABLE) != 0);
  });
}

void UnixTransport::watch(bool input, bool output) {
  poll_.watch((input ? UV_READABLE : 0) | (output ? UV_WRITABLE : 0));
}

session::Transport::Input UnixTransport::read(std::string& bytes) {
  // One buffer for all connections: it holds nothing between two calls.
  static std::array<char, size_t{64} << 10> buffer;
  const ssize_t count = receive_now(socket_, buffer);
  if (count == 0) return Input::end;
  if (count < 0) return would_block() ? Input::nothing : Input::closed;
  has_more_ = static_cast<size_t>(count) == buffer.size();
  bytes.assign(buffer.data(), static_cast<size_t>(count));
  return Input::bytes;
}

std::optional<size_t> UnixTransport::write(std::span<iovec> pieces) {
  return send_now(socket_, pieces);
}

bool UnixTransport::is_hung_up() const {
  pollfd state{socket_.get(), 0, 0};
  return ::poll(&state, 1, 0) > 0 && (state.revents & (POLLHUP | POLLERR)) != 0;
}

void UnixTransport::close(Ending /*ending*/) {
  poll_.watch(0);
}

}  // namespace aribus::frontend
