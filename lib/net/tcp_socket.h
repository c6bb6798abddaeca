// Listening TCP sockets.
#pragma once

#include <string>

#include <sys/socket.h>

#include "base/fd.h"
#include "base/result.h"

namespace aribus {

// A non-blocking socket that listens at a numeric `address`. With `port` 0 the system chooses a port, and
// `port` becomes that one. At most `backlog` connections wait to be accepted. Errors: invalid_params (the
// address is not numeric), system.
[[nodiscard]] Result<Fd> listen_on_tcp(const std::string& address, int& port, int backlog = SOMAXCONN);

}  // namespace aribus
