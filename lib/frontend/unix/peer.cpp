#include "frontend/unix/peer.h"

#include <cerrno>

#include <sys/socket.h>

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

}  // namespace aribus::frontend
