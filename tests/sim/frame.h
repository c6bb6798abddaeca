// WebSocket frames from the server.
#pragma once

#include <string>
#include <string_view>

#include "ari/websocket_frame.h"

namespace aribus::sim {

using ari::Opcode;

[[nodiscard]] inline std::string frame(Opcode opcode, std::string_view payload, bool final = true) {
  std::string out;
  ari::append_frame(out, opcode, payload, std::nullopt, final);
  return out;
}

}  // namespace aribus::sim
