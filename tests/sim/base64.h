// Base64 and the WebSocket handshake's answer, by libwebsockets' helpers.
#pragma once

#include <string>
#include <string_view>

namespace aribus::sim {

[[nodiscard]] std::string base64_encoded(std::string_view bytes);

// What `text` encodes, or "" when it is no base64.
[[nodiscard]] std::string base64_decoded(std::string_view text);

// Sec-WebSocket-Accept for the client's Sec-WebSocket-Key (RFC 6455, 4.2.2).
[[nodiscard]] std::string websocket_accept(std::string_view key);

}  // namespace aribus::sim
