#include "net/socket_io.h"

#include <cerrno>

#include <sys/socket.h>

namespace aribus {

ssize_t receive_now(const Fd& socket, std::span<char> room) {
  ssize_t count = 0;
  do {
    count = ::recv(socket.get(), room.data(), room.size(), MSG_DONTWAIT);
  } while (count < 0 && errno == EINTR);
  return count;
}

bool would_block() {
  return errno == EAGAIN || errno == EWOULDBLOCK;
}

std::optional<size_t> send_now(const Fd& socket, std::span<iovec> pieces) {
  constexpr int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = pieces.size();
  ssize_t count = 0;
  do {
    count = pieces.size() == 1 ? ::send(socket.get(), pieces[0].iov_base, pieces[0].iov_len, flags)
                               : ::sendmsg(socket.get(), &message, flags);
  } while (count < 0 && errno == EINTR);
  if (count >= 0) return static_cast<size_t>(count);
  return would_block() ? std::optional<size_t>(0) : std::nullopt;
}

}  // namespace aribus
