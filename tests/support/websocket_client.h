// A program's end of a WebSocket, for tests.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "net/websocket_frame.h"
#include "net/websocket_handshake.h"

namespace aribus::test {

// Makes frames of lines and lines of frames, without I/O.
class WebSocketClient {
 public:
  // `is_open`: the handshake is done.
  explicit WebSocketClient(bool is_open = false) : is_open_(is_open) {}

  // The request to send first.
  [[nodiscard]] static std::string request(const std::string& target = "/rpc",
                                           const std::string& more_headers = {}) {
    HandshakeRequest request;
    request.target = target;
    request.host = "localhost";
    request.key = "dGhlIHNhbXBsZSBub25jZQ==";
    std::string text = request_text(request);
    return text.insert(text.size() - 2, more_headers);
  }

  // `bytes` of lines as they go on the wire; what is no whole line becomes a fragment.
  std::string frames(std::string_view bytes) {
    std::string out;
    while (!bytes.empty()) {
      const size_t end = bytes.find('\n');
      const bool final = end != std::string_view::npos;
      append_frame(out, in_message_ ? Opcode::continuation : Opcode::text, bytes.substr(0, end),
                   random_mask(), final);
      in_message_ = !final;
      bytes.remove_prefix(final ? end + 1 : bytes.size());
    }
    return out;
  }

  // `bytes` have come: appends the lines in them to `lines`. Before `is_open`, they are the answer to the
  // request.
  void feed(std::string_view bytes, std::string& lines) {
    if (!is_open_) {
      answer_ += bytes;
      const size_t head = handshake_size(answer_);
      if (head == 0 || !answer_.starts_with("HTTP/1.1 101 ")) return;
      is_open_ = true;
      const std::string rest = answer_.substr(head);
      answer_.resize(head);
      return feed(rest, lines);
    }
    while (!bytes.empty()) {
      const auto received = reader_.next(bytes);
      within_frame_ = !received;
      if (!received) continue;
      switch (received->kind) {
        case Received::Kind::text:
          lines.append(received->payload).append("\n");
          break;
        case Received::Kind::close:
          close_code_ = received->code;
          break;
        default:
          wrong_ = true;
      }
    }
  }

  [[nodiscard]] bool is_open() const { return is_open_; }
  // The answer to the request, as far as it has come; with its body if it refuses.
  [[nodiscard]] const std::string& answer() const { return answer_; }
  [[nodiscard]] std::optional<uint16_t> close_code() const { return close_code_; }
  // Whether a frame or a message has begun to come.
  [[nodiscard]] bool is_within_frame() const { return within_frame_; }
  // Whether something else came than texts and a close frame.
  [[nodiscard]] bool is_wrong() const { return wrong_; }

 private:
  aribus::FrameReader reader_{{.max_message_bytes = 64 << 20}};  // not that of memory_transport.h
  std::string answer_;
  std::optional<uint16_t> close_code_;
  bool is_open_;
  bool in_message_ = false;
  bool within_frame_ = false;
  bool wrong_ = false;
};

}  // namespace aribus::test
