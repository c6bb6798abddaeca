// WebSocket framing (RFC 6455, sections 5 to 8), for either role and without I/O.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace aribus {

enum class WebSocketRole { client, server };

enum class Opcode : uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

inline constexpr size_t max_control_payload_bytes = 125;

// Codes of close frames (7.4.1).
inline constexpr uint16_t close_normal = 1000;
inline constexpr uint16_t close_going_away = 1001;
inline constexpr uint16_t close_protocol_error = 1002;
inline constexpr uint16_t close_not_accepted = 1003;  // data of this kind
inline constexpr uint16_t close_no_code = 1005;       // never sent: there was none
inline constexpr uint16_t close_bad_data = 1007;
inline constexpr uint16_t close_policy = 1008;
inline constexpr uint16_t close_too_big = 1009;
inline constexpr uint16_t close_try_later = 1013;

using Mask = std::array<unsigned char, 4>;

// A cryptographically random mask (5.3).
[[nodiscard]] Mask random_mask();

// Masks or unmasks `bytes`, which begin `offset` bytes into their frame's payload.
void apply_mask(const Mask& mask, size_t offset, char* bytes, size_t count);

// Appends one frame to `out`. A client's frames have a mask, a server's have none.
void append_frame(std::string& out, Opcode opcode, std::string_view payload, const std::optional<Mask>& mask,
                  bool final = true);

// The head of an unmasked frame.
struct FrameHead {
  std::array<char, 10> bytes{};
  size_t size = 0;
};
[[nodiscard]] FrameHead frame_head(Opcode opcode, uint64_t payload_bytes, bool final);

// The payload of a close frame; `reason` is UTF-8 of at most 123 bytes.
[[nodiscard]] std::string close_payload(uint16_t code, std::string_view reason = {});

struct FrameReaderOptions {
  WebSocketRole role = WebSocketRole::client;  // of the reading end
  bool check_utf8 = true;                      // of texts, as RFC 6455 (8.1) wants it
  size_t max_message_bytes = 4 << 20;          // of one message, its fragments together
  // Messages are returned in the pieces in which they come, cut between characters: the reader holds nothing
  // of them, and max_message_bytes does not apply.
  bool in_pieces = false;
};

// A frame with a larger payload is a violation: waiting for its end would take what follows for payload.
inline constexpr uint64_t max_frame_bytes = 64 << 20;

// A received message, control frame or violation.
struct Received {
  enum class Kind {
    text,
    binary,
    ping,
    pong,
    close,
    violation,  // of the protocol: close the connection with `code`
  };

  Kind kind;
  // Of a message: at most max_message_bytes of it. Of a ping or pong: what it bears. Of a close: the reason.
  // Of a violation: what is wrong, one sentence.
  std::string_view payload;
  uint64_t total_bytes = 0;  // of a message; more than payload.size() when it was over the bound
  uint16_t code = 0;         // of a close (close_no_code when it has none) or violation
  bool final = true;         // of a message: this is its end; false only with in_pieces
};

// Splits a byte stream, in pieces of any size, into messages and control frames. Holds at most one message,
// or with in_pieces a part of one character.
class FrameReader {
 public:
  explicit FrameReader(FrameReaderOptions options = {}) : options_(options) {}

  // Removes the next message or control frame from the front of `bytes` and returns it; or removes all bytes,
  // or those of the next 1,024 fragments, and returns nothing. After a close or a violation it removes
  // everything.
  //
  // The payload is a view into `bytes` or into the reader, valid until either changes. The UTF-8 of a text
  // that is too long is not checked, because its end is not kept.
  std::optional<Received> next(std::string_view& bytes);

 private:
  struct Head {
    bool final = false;
    Opcode opcode = Opcode::continuation;
    Mask mask{};
    uint64_t left = 0;  // bytes of payload that are still to come
  };

  std::string_view take_whole_text(std::string_view& bytes);
  bool take_head(std::string_view& bytes);
  std::optional<Received> begin_frame();
  void take_payload(std::string_view& bytes);
  std::optional<Received> end_frame();
  std::optional<Received> end_message();
  std::optional<Received> take_piece();
  std::optional<Received> end_close();
  Received violation(uint16_t code, std::string_view what);
  [[nodiscard]] bool is_utf8(std::string_view text) const;

  FrameReaderOptions options_;
  unsigned char head_bytes_[14] = {};
  size_t head_size_ = 0;
  bool in_frame_ = false;  // its head is in frame_
  Head frame_;
  size_t frame_taken_ = 0;                        // of its payload, for the mask
  Opcode message_opcode_ = Opcode::continuation;  // of the message being put together, if any
  std::string message_;
  size_t returned_bytes_ = 0;  // with in_pieces: of message_
  uint64_t message_total_bytes_ = 0;
  std::string control_;
  bool ended_ = false;
};

}  // namespace aribus
