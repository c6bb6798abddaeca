#include "frontend/unix/peer.h"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/utf8.h"

namespace aribus::frontend {

Result<control::Peer> peer_of(int socket, std::string path) {
  ucred credentials{};
  socklen_t length = sizeof credentials;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0)
    return system_error("asking who has connected to " + path);
  control::Peer peer{.uid = credentials.uid, .gid = credentials.gid, .pid = credentials.pid};
  // The groups at the time of connecting. The kernel says how much room they need.
  length = 0;
  int status = ::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, nullptr, &length);
  if (status != 0 && errno == ERANGE) {
    peer.groups.resize(length / sizeof(gid_t));
    status = ::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, peer.groups.data(), &length);
  }
  if (status != 0) return system_error("asking for the groups of who has connected to " + path);
  peer.socket = std::move(path);
  return peer;
}

std::string program_of(pid_t process) {
  if (process <= 0) return {};
  const Fd file(::open(("/proc/" + std::to_string(process) + "/comm").c_str(), O_RDONLY | O_CLOEXEC));
  char name[64];  // the kernel's has 15 bytes
  const ssize_t count = file.valid() ? ::read(file.get(), name, sizeof name) : 0;
  std::string_view text(name, static_cast<size_t>(std::max<ssize_t>(count, 0)));
  if (text.ends_with('\n')) text.remove_suffix(1);
  return to_valid_utf8(text, sizeof name);
}

}  // namespace aribus::frontend
