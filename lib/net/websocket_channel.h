// An open WebSocket, in either role.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/loop.h"
#include "net/retired.h"
#include "net/stream.h"
#include "net/websocket_frame.h"

namespace aribus {

struct ChannelOptions {
  WebSocketRole role = WebSocketRole::client;
  Milliseconds ping_interval{3000};    // without a received byte, until a ping is sent
  Milliseconds silence_timeout{9000};  // without a received byte, until the connection is considered dead
  size_t max_message_bytes = 4 << 20;  // of one message, its fragments together
};

// Reads messages, answers pings, detects a dead peer. One connection at a time. Belongs to the loop's thread;
// the callbacks may call open() and close(), and must not destroy the object.
class WebSocketChannel {
 public:
  struct End {
    std::string reason;    // one sentence
    bool orderly = false;  // the peer has sent a close frame, and all messages before it were delivered
  };
  struct Handlers {
    // One text message, with its fragments joined. If the message is too long, `text` is its beginning and
    // `total_bytes` its size.
    std::function<void(std::string_view text, size_t total_bytes)> text;
    // Called once for each open(), and after each `resumed`, unless close() was called first.
    std::function<void(const End&)> closed;
    // In the server's role: the connection that was considered dead is alive. No message was lost.
    std::function<void()> resumed = {};
  };

  explicit WebSocketChannel(Loop& loop);
  ~WebSocketChannel() { close(); }

  // Takes a stream on which the handshake is done; `first` are the bytes that followed it.
  void open(std::unique_ptr<Stream> stream, ChannelOptions options, Handlers handlers,
            std::string_view first);
  [[nodiscard]] bool is_open() const { return stream_ != nullptr && !suspended_; }
  // Changes these times of ChannelOptions from the next ping on.
  void set_times(Milliseconds ping_interval, Milliseconds silence_timeout) {
    options_.ping_interval = ping_interval;
    options_.silence_timeout = silence_timeout;
  }
  // When the last byte was received, on the loop's clock.
  [[nodiscard]] Milliseconds last_byte() const { return last_byte_; }

  // Sends a text message. Errors: not_connected; too_much when 1 MiB waits to be sent.
  Result<void> send(std::string_view text);
  // Sends a ping and calls `done` once: whether its pong came within `timeout`. If the connection ends before
  // that, `closed` is called first. After close() `done` is not called.
  void probe(Milliseconds timeout, std::function<void(bool alive)> done);
  // Sends a close frame, at a quiet moment if one comes soon, and delivers further messages until the peer's
  // close frame or until `timeout` is over. Then `closed` is called.
  void end(Milliseconds timeout);
  // Closes, with a close frame if the socket takes it at once. No callback runs during or after this.
  void close();

 private:
  void on_readable();
  void take_rest();
  bool receive();
  bool take_messages(uint64_t began_ns);
  bool is_over(uint64_t began_ns);
  void handle(const Received& received);
  void on_peer_close(const Received& received);
  void answer_ping();
  void end_when_quiet(Milliseconds quiet_by, Milliseconds timeout);
  void beat();
  void heard();
  void answer_probe(bool alive);
  [[nodiscard]] std::function<void(bool)> take_probe();
  void write_frame(Opcode opcode, std::string_view payload);
  void send_close(uint16_t code);
  void suspend(const std::string& reason);
  bool resume();
  void lose(const std::string& reason);
  void finish(End end);

  Loop& loop_;
  ChannelOptions options_;
  std::shared_ptr<const Handlers> handlers_;  // a callback may replace the current ones
  Timer heartbeat_;
  Timer end_deadline_;
  Timer closing_deadline_;
  Timer probe_deadline_;
  EndOfTurn rest_;
  std::unique_ptr<Stream> stream_;
  std::unique_ptr<Stream> closing_;  // the previous one, until its peer has seen the close frame
  Retired<Stream> gone_;
  uint64_t connection_ = 0;  // counts streams: tells whether a callback has replaced the current one
  bool ending_ = false;      // a close frame was sent; input is still delivered
  bool suspended_ = false;   // considered dead; input is still delivered
  FrameReader reader_;
  std::unique_ptr<char[]> buffer_;
  std::string_view unread_;          // in buffer_
  std::optional<std::string> ping_;  // the last one of this turn
  Milliseconds last_byte_{0};
  std::optional<Milliseconds> asked_;  // when the first ping since the last byte was sent
  Milliseconds asked_last_{0};         // when the last one was
  Milliseconds beat_due_{0};
  std::function<void(bool)> probed_;
};

}  // namespace aribus
