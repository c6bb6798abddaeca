// Sessions on a WebSocket.
#include <string_view>
#include <utility>

#include "frontend/web/websocket_transport.h"
#include "net/websocket_frame.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/sessions.h"

using namespace aribus;

namespace {

std::unique_ptr<session::Transport> make(Loop& loop, Fd socket) {
  return std::make_unique<frontend::WebSocketTransport>(loop, std::move(socket));
}

std::string take_lines(std::string& received) {
  FrameReader reader;
  std::string lines;
  size_t taken = 0;
  std::string_view rest = received;
  while (!rest.empty()) {
    const auto one = reader.next(rest);
    if (!one) continue;
    require(one->kind != Received::Kind::violation, "a WebSocket has the daemon's frames");
    require(one->kind != Received::Kind::binary, "and messages that are text");
    if (one->kind != Received::Kind::text) continue;  // it may be in the middle of a message
    lines.append(one->payload).append("\n");
    taken = received.size() - rest.size();
  }
  received.erase(0, taken);
  return lines;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return fuzz::fuzz_sessions(data, size, {make, take_lines, 0xE0});
}
