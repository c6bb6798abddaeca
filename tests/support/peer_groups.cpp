// Preloaded by scripts/test-arm64. QEMU 7.2 passes SO_PEERGROUPS on with room for one group, whatever the
// program gives, and without the kernel's answer on how much is needed. In unit tests both ends of a socket
// are of this process: its groups are the peer's.
#include <cerrno>
#include <cstring>
#include <vector>

#include <dlfcn.h>
#include <sys/socket.h>
#include <unistd.h>

extern "C" int getsockopt(int socket, int level, int option, void* value, socklen_t* length) noexcept {
  static const auto real = reinterpret_cast<decltype(&getsockopt)>(::dlsym(RTLD_NEXT, "getsockopt"));
  if (level != SOL_SOCKET || option != SO_PEERGROUPS) return real(socket, level, option, value, length);
  std::vector<gid_t> groups(static_cast<size_t>(::getgroups(0, nullptr)));
  groups.resize(static_cast<size_t>(::getgroups(static_cast<int>(groups.size()), groups.data())));
  const auto size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
  const bool fits = *length >= size;
  *length = size;
  if (!fits) return errno = ERANGE, -1;
  if (size != 0) std::memcpy(value, groups.data(), size);
  return 0;
}
