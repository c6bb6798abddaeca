// The peer of a Unix socket.
#pragma once

#include <string>

#include "base/result.h"
#include "control/peer.h"

namespace aribus::frontend {

// What the kernel says about the process that connected `socket` to `path`.
// Errors: system.
[[nodiscard]] Result<control::Peer> peer_of(int socket, std::string path);

}  // namespace aribus::frontend
