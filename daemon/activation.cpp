#include "daemon/activation.h"

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <optional>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/numbers.h"

namespace aribus::daemon {
namespace {

int number_of(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? 0 : whole_number<int>(text).value_or(0);
}

// The path at which the socket listens; nothing if it is another kind of descriptor.
std::optional<std::string> path_of(int fd) {
  int type = 0;
  int listens = 0;
  socklen_t size = sizeof type;
  if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_STREAM) return {};
  if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0) return {};
  sockaddr_un address{};
  size = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0 || address.sun_family != AF_UNIX ||
      size <= offsetof(sockaddr_un, sun_path)) {
    return {};
  }
  return std::string(address.sun_path, ::strnlen(address.sun_path, size - offsetof(sockaddr_un, sun_path)));
}

}  // namespace

std::map<std::string, Fd> inherited_sockets(int first) {
  std::map<std::string, Fd> sockets;
  const int count = number_of("LISTEN_PID") == ::getpid() ? number_of("LISTEN_FDS") : 0;
  for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(name);
  for (int number = first; number < first + count; ++number) {
    Fd fd(number);
    const std::optional<std::string> path = path_of(number);
    if (!path || path->empty()) {
      spdlog::warn(
          "descriptor {} from systemd is ignored: the socket unit may only have ListenStream= with a path",
          number);
      continue;
    }
    ::fcntl(number, F_SETFD, FD_CLOEXEC);
    ::fcntl(number, F_SETFL, ::fcntl(number, F_GETFL) | O_NONBLOCK);
    sockets.insert_or_assign(*path, std::move(fd));
  }
  return sockets;
}

}  // namespace aribus::daemon
