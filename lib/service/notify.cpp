#include "service/notify.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include <sys/socket.h>
#include <sys/un.h>

#include "base/fd.h"
#include "base/numbers.h"

namespace aribus::service {

void notify_systemd(std::string_view state) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  sockaddr_un address{};
  if (path == nullptr || std::strlen(path) >= sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path, std::strlen(path));
  if (path[0] == '@') address.sun_path[0] = '\0';  // a name in the abstract namespace
  const Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  // Failures are ignored: there is nobody to report them to.
  (void)::sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL,
                 reinterpret_cast<const sockaddr*>(&address),
                 static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + std::strlen(path)));
}

void notify_status(std::string text) {
  std::ranges::replace(text, '\n', ' ');  // a line end would begin another assignment
  notify_systemd("STATUS=" + text);
}

void notify_reloading() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  notify_systemd("RELOADING=1\nMONOTONIC_USEC=" +
                 std::to_string(now.tv_sec * 1'000'000 + now.tv_nsec / 1000));
}

std::optional<Milliseconds> watchdog_interval() {
  const char* text = std::getenv("WATCHDOG_USEC");
  if (text == nullptr) return {};
  const auto microseconds = whole_number<long long>(text);
  if (!microseconds || *microseconds <= 0) return {};
  return std::max(Milliseconds(*microseconds / 2000), Milliseconds(1));
}

}  // namespace aribus::service
