// Who is at the other end of a Unix socket.
#pragma once

#include <string>

#include "base/result.h"
#include "control/peer.h"

namespace aribus::frontend {

// What the kernel tells of who connected to `path` and is now at the other end of `socket`.
// Errors: system.
[[nodiscard]] Result<control::Peer> peer_of(int socket, std::string path);

// What the process of that id is called (/proc/PID/comm, which the process may change); "" when that can't be
// read, as where it has ended or is in another PID namespace.
[[nodiscard]] std::string program_of(pid_t process);

}  // namespace aribus::frontend
