// An Asterisk that sends frames without end does not hold up the loop.
#include "net/websocket_frame.h"
#include "net/websocket_handshake.h"
#include "tests/unit/net/fountain.h"
#include "tests/unit/net/socket.h"

using namespace aribus;
using namespace aribus::test;

namespace {

std::string upgrade_to(const std::string& request) {
  return accepting_answer(read_request(request).value().key, "ari");
}

std::string unmasked_frame(Opcode opcode, std::string_view payload, bool final = true) {
  std::string out;
  append_frame(out, opcode, payload, std::nullopt, final);
  return out;
}

struct EndlessFrames {
  const char* what;
  std::string first, piece;
};

}  // namespace

TEST_CASE("a WebSocket that brings frames without end leaves time for others") {
  const EndlessFrames cases[] = {
      {"empty fragments", unmasked_frame(Opcode::text, "", false),
       unmasked_frame(Opcode::continuation, "", false)},
      {"fragments of a byte", unmasked_frame(Opcode::text, "", false),
       unmasked_frame(Opcode::continuation, "x", false)},
      {"pings", "", unmasked_frame(Opcode::ping, "")},
      {"pongs", "", unmasked_frame(Opcode::pong, "aribus")},
      {"empty texts", "", unmasked_frame(Opcode::text, "")},
      {"binary messages", "", unmasked_frame(Opcode::binary, "x")},
      {"texts of 4 MiB", "", unmasked_frame(Opcode::text, std::string(4 << 20, 'x'))},
      {"texts that are too large", "", unmasked_frame(Opcode::text, std::string(5 << 20, 'x'))},
  };
  for (const EndlessFrames& one : cases) {
    INFO(one.what);
    Loop loop;
    Fountain fountain([&](const std::string& request) { return upgrade_to(request) + one.first; }, one.piece);
    Socket socket(loop);
    socket.socket->connect(socket.options(fountain.port()),
                           {[] {}, [](std::string_view, size_t) {},
                            [&](const WebSocketClosed& why) { socket.closed.push_back(why); }});
    CHECK(others_get_their_turn(loop, fountain));
    CHECK(socket.closed.empty());
  }
}
