// Listening on an address in figures.
#pragma once

#include <string>

#include <sys/socket.h>

#include "base/fd.h"
#include "base/result.h"

namespace aribus {

// "127.0.0.1", "::1", "0.0.0.0".
[[nodiscard]] bool is_numeric_address(const std::string& text);
// Required: it is numeric.
[[nodiscard]] bool is_loopback(const std::string& address);

// A socket that listens there, and does not block. A `port` of 0 is any, and becomes the one that it is. Of
// those who connect, `backlog` at most wait to be accepted.
// Errors: invalid_params (the address is not numeric), system.
[[nodiscard]] Result<Fd> listen_on_tcp(const std::string& address, int& port, int backlog = SOMAXCONN);

}  // namespace aribus
