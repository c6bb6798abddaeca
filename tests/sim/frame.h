// WebSocket frames from the server.
#pragma once

#include <string>
#include <string_view>

#include "net/websocket_frame.h"

namespace aribus::sim {

[[nodiscard]] inline std::string frame(Opcode opcode, std::string_view payload, bool final = true) {
  std::string out;
  append_frame(out, opcode, payload, std::nullopt, final);
  return out;
}

}  // namespace aribus::sim
