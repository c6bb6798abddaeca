// Connections of the benchmark's programs. What fails ends the program.
#pragma once

#include <string>

#include "base/fd.h"

namespace aribus::bench {

// Connects to a Unix socket ("/path") or to a port of 127.0.0.1 ("4222").
[[nodiscard]] Fd connect_to(const std::string& address);
// Binds a Unix socket and listens there.
[[nodiscard]] Fd listen_on(const std::string& path);
// Writes all of it, waiting where needed.
void write_all(int fd, std::string_view bytes);
void set_nonblocking(int fd);

// Makes a connection to aribusd's `web.path` a WebSocket.
void become_websocket(int fd);

// Plays Asterisk on `listener`: answers requests until a WebSocket is asked for, and returns that one.
[[nodiscard]] Fd accept_websocket(int listener);

}  // namespace aribus::bench
