// Who is at the other end of a Unix socket.
#pragma once

#include <string>

#include "base/result.h"
#include "control/access.h"

namespace aribus::ipc {

// What the kernel tells of who connected to `path` and is now at the other end of `socket`.
// Errors: system.
[[nodiscard]] Result<control::Peer> peer_of(int socket, std::string path);

}  // namespace aribus::ipc
