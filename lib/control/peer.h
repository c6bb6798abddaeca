// Who is at the other end of a connection.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

namespace aribus::control {

struct AccessRule;

// The process that connected to a Unix socket, as the kernel reports it. If the socket is passed on to
// another process later, this stays the one that connected.
struct Peer {
  uid_t uid = 0;
  gid_t gid = 0;
  pid_t pid = 0;
  std::vector<gid_t> groups = {};  // the supplementary ones
  std::string socket = {};         // the path that it connected to
};

// A peer with its access rule: on whose behalf a command runs.
struct Caller {
  Peer peer;
  std::string user;  // the name of peer.uid, or "" while it is not known
  std::shared_ptr<const AccessRule> rule;
  uint64_t connection = 0;   // the connection's number; 0: the command does not depend on a connection
  std::string program = {};  // the process's name when it connected (/proc/PID/comm), or ""
};

}  // namespace aribus::control
