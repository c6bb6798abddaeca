// The request with which a program begins a WebSocket.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace aribus::frontend {

inline constexpr std::string_view rpc_path = "/rpc";

// The answer that accepts the request for a WebSocket at rpc_path; `head` is all of the request's head.
// Errors: refused; the message is the answer that says why.
//
// A browser sends the Origin of the page that connects: that must be the host that the browser has connected
// to, or any page that a user looks at could use the rights of a proxy between them and this socket.
[[nodiscard]] Result<std::string> accept_request(std::string_view head);

}  // namespace aribus::frontend
