// The floor of a round trip: an epoll server that sends each line back as it came, in three system calls.
//
// Usage: bench_echo SOCKET
#include <array>
#include <cerrno>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/sockets.h"
#include "tests/bench/trace.h"

namespace {

using namespace aribus;
using namespace aribus::bench;

constexpr size_t read_bytes = 64 * 1024;

void watch(int epoll, int fd) {
  epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
  require(::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) fail("Usage: bench_echo SOCKET");
  const Fd listener = listen_on(argv[1]);
  const Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  watch(epoll.get(), listener.get());
  std::array<epoll_event, 64> events{};
  std::array<char, read_bytes> buffer;
  for (;;) {
    const int count = ::epoll_wait(epoll.get(), events.data(), static_cast<int>(events.size()), -1);
    require(count >= 0 || errno == EINTR, "epoll_wait");
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<size_t>(i)].data.fd;
      if (fd == listener.get()) {
        watch(epoll.get(), ::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC));
        continue;
      }
      const ssize_t bytes = ::recv(fd, buffer.data(), buffer.size(), 0);
      // The peer reads everything, or is gone.
      if (bytes <= 0 || ::send(fd, buffer.data(), static_cast<size_t>(bytes), MSG_NOSIGNAL) < bytes)
        ::close(fd);
    }
  }
}
