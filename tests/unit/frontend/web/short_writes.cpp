#include "tests/unit/frontend/web/short_writes.h"

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

thread_local int limited = -1;
thread_local std::function<size_t()> room_of_limited;

}  // namespace

// These take the place of libc's in this program.
extern "C" ssize_t send(int fd, const void* bytes, size_t count, int flags) {
  if (fd == limited) {
    count = std::min(count, room_of_limited());
    if (count == 0) return errno = EAGAIN, -1;
  }
  return ::syscall(SYS_sendto, fd, bytes, count, flags, nullptr, 0);
}

extern "C" ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  if (fd != limited) return ::syscall(SYS_sendmsg, fd, message, flags);
  size_t room = room_of_limited();
  std::vector<iovec> pieces(message->msg_iov, message->msg_iov + message->msg_iovlen);
  size_t count = 0;
  for (; count < pieces.size() && room > 0; ++count) {
    pieces[count].iov_len = std::min(pieces[count].iov_len, room);
    room -= pieces[count].iov_len;
  }
  if (count == 0) return errno = EAGAIN, -1;
  msghdr shorter = *message;
  shorter.msg_iov = pieces.data();
  shorter.msg_iovlen = count;
  return ::syscall(SYS_sendmsg, fd, &shorter, flags);
}

namespace aribus::test {

ShortWrites::ShortWrites(int fd, std::function<size_t()> room) {
  room_of_limited = std::move(room);
  limited = fd;
}

ShortWrites::~ShortWrites() {
  limited = -1;
}

}  // namespace aribus::test
