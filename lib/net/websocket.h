// A WebSocket connection, as its users see it: in the client's role (make_websocket) or the server's
// (InboundWebSocket).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/listener_check.h"
#include "net/loop.h"
#include "net/tls.h"
#include "net/url.h"

namespace aribus {

struct WebSocketOptions {
  Url url;                    // of the server; its prefix is not used
  std::string target;         // path and query of the request
  std::string authorization;  // value of the Authorization header, or ""; never logged
  std::string subprotocol;
  TlsOptions tls;
  Milliseconds connect_timeout{5000};
  Milliseconds ping_interval{3000};    // without a received byte, until a ping is sent
  Milliseconds silence_timeout{9000};  // without a received byte, until the connection is considered dead
  size_t max_message_bytes = 4 << 20;  // of one message, its fragments together
  MaySend may_send = {};               // asked before the handshake is sent; nothing: always allowed
};

// Why a connection ended or failed.
struct WebSocketClosed {
  int http_status = 0;    // of the refused handshake, or 0
  std::string reason;     // one sentence
  std::string http_body;  // of the refused handshake, at most 16 KiB of it
  bool orderly = false;   // the peer has sent a close frame, and all messages before it were delivered
};

// One connection at a time; connect() again after `closed`. Belongs to the loop's thread. The callbacks may
// call connect() and close(), and must not destroy the object.
class WebSocket {
 public:
  struct Handlers {
    std::function<void()> opened;
    // One text message, with its fragments joined. If the message is too long, `text` is its beginning and
    // `total_bytes` its size.
    std::function<void(std::string_view text, size_t total_bytes)> text;
    // Called once for each connect(), unless close() was called first.
    std::function<void(const WebSocketClosed&)> closed;
    // In the server's role: the connection that `closed` reported as dead continues, and no message was lost.
    std::function<void()> resumed = {};
  };

  virtual ~WebSocket() = default;
  virtual void connect(WebSocketOptions options, Handlers handlers) = 0;
  // Sends a text message. Errors: not_connected; too_much when 1 MiB waits to be sent.
  virtual Result<void> send(std::string text) = 0;
  // Changes these times of WebSocketOptions for the open connection.
  virtual void set_times(Milliseconds ping_interval, Milliseconds silence_timeout) = 0;
  // When the last byte of this or the latest connection was received, on the loop's clock.
  [[nodiscard]] virtual Milliseconds last_byte() const = 0;
  // Sends a close frame and delivers further messages until the peer's close frame or until `timeout` is
  // over. Then `closed` is called.
  virtual void end(Milliseconds timeout) = 0;
  // Closes, with a close frame if the socket takes it at once. No callback comes after this.
  virtual void close() = 0;
};

// The implementation: a handshake, then a WebSocketChannel.
[[nodiscard]] std::unique_ptr<WebSocket> make_websocket(Loop& loop);

}  // namespace aribus
