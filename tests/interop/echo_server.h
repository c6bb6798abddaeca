// A WebSocket server that echoes texts: the server's side of the framing and the handshake, on a loop.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "net/loop.h"
#include "net/websocket_frame.h"

namespace aribus::test {

class EchoServer {
 public:
  explicit EchoServer(Loop& loop);

  [[nodiscard]] int port() const { return port_; }
  // Codes of the close frames that came.
  std::vector<uint16_t> closed;
  // What broke the protocol.
  std::vector<std::string> violations;

 private:
  struct Connection {
    Fd socket;
    std::string head;
    bool open = false;
    FrameReader reader{{WebSocketRole::server}};
    std::optional<Poll> poll;
    std::string unsent;
  };
  void read(Connection& connection);
  bool take_request(Connection& connection, std::string_view& bytes);
  void answer(Connection& connection, const Received& received);
  void send(Connection& connection, std::string_view bytes);

  int port_ = 0;
  Fd listener_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::optional<Poll> poll_;
};

}  // namespace aribus::test
