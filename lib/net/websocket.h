// A WebSocket client connection: what the ARI client needs of one, whoever implements it.
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
  Milliseconds ping_interval{3000};    // after so long without a byte a ping is sent, and again
  Milliseconds silence_timeout{9000};  // after so long without a byte the connection is dead
  size_t max_message_bytes = 4 << 20;  // of one message, its fragments together
  MaySend may_send = {};               // asked before the handshake is sent; nothing: it may
};

// Why a connection ended or never came about.
struct WebSocketClosed {
  int http_status = 0;    // of the refused handshake, or 0
  std::string reason;     // one sentence for people
  std::string http_body;  // of the refused handshake, at most 16 KiB of it
  bool orderly = false;   // the other side has sent a close frame: everything before it has been handed on
};

// One connection at a time; connect() again after `closed`. Lives on the loop's thread. The callbacks may
// call connect() and close(), and must not destroy the object.
class WebSocket {
 public:
  struct Handlers {
    std::function<void()> opened;
    // One text message, its fragments put together. `total_bytes` is more than text.size() when the message
    // was over the bound: the rest was skipped.
    std::function<void(std::string_view text, size_t total_bytes)> text;
    // Called once for each connect(), unless close() was called first.
    std::function<void(const WebSocketClosed&)> closed;
    // Where the other side connects: the connection that `closed` called dead goes on, and nothing was
    // missed.
    std::function<void()> resumed = {};
  };

  virtual ~WebSocket() = default;
  virtual void connect(WebSocketOptions options, Handlers handlers) = 0;
  // Sends a text message. Errors: not_connected; too_much when 1 MiB waits to be sent.
  virtual Result<void> send(std::string text) = 0;
  // Other times for the connection that stands, as in WebSocketOptions.
  virtual void set_times(Milliseconds ping_interval, Milliseconds silence_timeout) = 0;
  // When the last byte came, by the loop's clock: on this connection, or on the last one when it has ended.
  [[nodiscard]] virtual Milliseconds last_byte() const = 0;
  // Sends a close frame; what still comes is handed on, until the other side's close frame comes or `timeout`
  // is over. Then `closed` is called.
  virtual void end(Milliseconds timeout) = 0;
  // Closes with a close frame, as far as that is possible at once. No callback comes after this.
  virtual void close() = 0;
};

// The implementation: a handshake, then a WebSocketChannel.
[[nodiscard]] std::unique_ptr<WebSocket> make_websocket(Loop& loop);

}  // namespace aribus
