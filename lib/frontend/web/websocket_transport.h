// A connection over WebSocket (RFC 6455): each line is one text message.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <sys/uio.h>

#include "base/fd.h"
#include "net/loop.h"
#include "net/websocket_frame.h"
#include "session/transport.h"

namespace aribus::frontend {

// The server's end of a WebSocket whose handshake is done, on a stream socket that does not block. Nothing
// else reads from the socket or writes to it.
//
// From the peer: the text of a message is handed on as it comes, and "\n" at the message's end; it is the
// session that bounds it. A "\n" within a message becomes a tab, which JSON allows and forbids in the same
// places. Pings are answered; of several that come at once, the last. A close frame is answered. A binary
// message, and whatever breaks the protocol, is answered with a close frame. After all of these, input and
// output are over.
//
// To the peer: a line is a text frame, without its "\n". A part of a line, given without the line's end, is a
// fragment. The bytes are written from where they are; only the heads of frames are made here.
class WebSocketTransport final : public session::Transport {
 public:
  WebSocketTransport(Loop& loop, Fd socket);

  void start(std::function<void(bool input, bool output)> on_ready) override;
  void watch(bool input, bool output) override;
  [[nodiscard]] Input read(std::string& bytes) override;
  [[nodiscard]] bool has_more() const override { return has_more_ || over_; }
  [[nodiscard]] std::optional<size_t> write(std::span<iovec> pieces) override;
  [[nodiscard]] bool is_hung_up() const override;
  [[nodiscard]] bool is_over() const override { return over_; }
  void close(Ending ending) override;

 private:
  // How far the line that is being written has come.
  struct Progress {
    bool in_message = false;     // a head of it was written
    bool is_last_frame = false;  // the current frame ends the message
    size_t frame_left = 0;       // bytes of the current frame's payload that are still to be written
  };
  struct Part;

  void on_ready(int events);
  void watch_socket();
  void take(const Received& received, std::string& bytes);
  bool write_kept();
  static void cut(std::string_view text, Progress& at, std::span<Part> parts, size_t& count);
  size_t advance(std::span<const Part> parts, size_t sent);
  void end(std::string_view payload);
  void finish();

  Fd socket_;
  Poll poll_;
  std::function<void(bool, bool)> on_ready_;
  bool watches_input_ = false;
  bool watches_output_ = false;
  FrameReader reader_;
  Progress progress_;
  // To be written before anything else: the rest of a head, with the first byte of its payload if the message
  // begins with it; a control frame.
  std::string kept_;
  std::optional<std::string> pong_;  // its payload; it waits for the end of a frame
  bool has_more_ = false;            // the last read filled its buffer
  bool over_ = false;                // nothing is read or written any more
};

}  // namespace aribus::frontend
