// Who is at the other end of a connection.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

namespace aribus::control {

// The process that connected to a Unix socket, as the kernel reports it. If the socket is passed on to
// another process later, this stays the one that connected.
struct Peer {
  uid_t uid = static_cast<uid_t>(-1);  // no user
  gid_t gid = static_cast<gid_t>(-1);
  pid_t pid = 0;
  std::vector<gid_t> groups = {};  // the supplementary ones
  std::string socket = {};         // the path that it connected to
};

}  // namespace aribus::control
