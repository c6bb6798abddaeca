// WebSocket framing (RFC 6455, 5): frames to the client, and a parser for what the client sends.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace aribus::sim {

enum class Opcode : uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

// One frame from the server (not masked).
[[nodiscard]] std::string frame(Opcode opcode, std::string_view payload, bool final = true);

// A close frame's payload.
[[nodiscard]] std::string close_payload(uint16_t code, std::string_view reason);

struct ClientFrame {
  bool final;
  Opcode opcode;
  bool masked;
  std::string payload;
};

// Takes one whole frame from the front of `buffer`, unmasked; nothing when there is none yet.
[[nodiscard]] std::optional<ClientFrame> take_frame(std::string& buffer);

}  // namespace aribus::sim
