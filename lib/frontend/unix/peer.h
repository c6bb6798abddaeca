// The peer of a Unix socket.
#pragma once

#include <string>

#include "base/result.h"
#include "control/peer.h"

namespace aribus::frontend {

// What the kernel says about the process that connected `socket` to `path`.
// Errors: system.
[[nodiscard]] Result<control::Peer> peer_of(int socket, std::string path);

// The name of a process (/proc/PID/comm, which the process can change); "" when it can't be read, for example
// because the process has ended or is in another PID namespace.
[[nodiscard]] std::string program_of(pid_t process);

}  // namespace aribus::frontend
