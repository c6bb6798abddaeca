#include "net/websocket_frame.h"

#include <algorithm>
#include <cstring>

#include <simdjson.h>

#include "base/random.h"

namespace aribus {
namespace {

constexpr unsigned char final_bit = 0x80;
constexpr unsigned char reserved_bits = 0x70;
constexpr unsigned char opcode_bits = 0x0F;
constexpr unsigned char mask_bit = 0x80;
constexpr unsigned char length_bits = 0x7F;
constexpr int max_fragments_a_go = 1024;
constexpr size_t kept_bytes = 64 << 10;       // of memory for messages, from one to the next
constexpr size_t kept_piece_bytes = 4 << 10;  // likewise, for pieces of messages

bool is_control(Opcode opcode) {
  return (static_cast<int>(opcode) & 8) != 0;
}

bool is_known(int opcode) {
  return opcode <= 2 || (opcode >= 8 && opcode <= 10);
}

// How many bytes of length follow the second byte of a head.
size_t length_size(unsigned char second) {
  const int length = second & length_bits;
  return length == 126 ? 2 : length == 127 ? 8 : 0;
}

constexpr size_t masks_at_once = 64;

// Number of bytes at the end of `text` that may begin a character whose rest has not come.
size_t cut_character_bytes(std::string_view text) {
  for (size_t count = 1; count <= std::min<size_t>(3, text.size()); ++count) {
    const auto byte = static_cast<unsigned char>(text[text.size() - count]);
    if (byte < 0x80) return 0;
    if (byte < 0xC0) continue;
    const size_t length = byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
    return length > count ? count : 0;
  }
  return 0;
}

// Has the processor fetch the next message into its cache while this one is handled: what the kernel has just
// written is not there yet.
void fetch_ahead(std::string_view bytes) {
  constexpr size_t ahead = 512, line = 64;
  for (size_t at = 0; at < std::min(ahead, bytes.size()); at += line) __builtin_prefetch(bytes.data() + at);
}

// Whether `code` may be in a close frame: RFC 6455 (7.4) and what was registered since.
bool is_sendable(int code) {
  return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
         (code >= 3000 && code <= 4999);
}

}  // namespace

Mask random_mask() {
  thread_local std::string bytes;  // for the next frames: one system call for many
  Mask mask;
  if (bytes.empty()) bytes = random_bytes(masks_at_once * mask.size());
  std::copy_n(bytes.end() - static_cast<ptrdiff_t>(mask.size()), mask.size(), mask.begin());
  bytes.resize(bytes.size() - mask.size());
  return mask;
}

void apply_mask(const Mask& mask, size_t offset, char* bytes, size_t count) {
  Mask turned;
  for (size_t i = 0; i < turned.size(); ++i) turned[i] = mask[(offset + i) % mask.size()];
  uint64_t word = 0;
  std::memcpy(&word, turned.data(), 4);
  std::memcpy(reinterpret_cast<char*>(&word) + 4, turned.data(), 4);
  size_t i = 0;
  for (; i + sizeof word <= count; i += sizeof word) {
    uint64_t value = 0;
    std::memcpy(&value, bytes + i, sizeof value);
    value ^= word;
    std::memcpy(bytes + i, &value, sizeof value);
  }
  for (; i < count; ++i) bytes[i] = static_cast<char>(bytes[i] ^ turned[i % turned.size()]);
}

FrameHead frame_head(Opcode opcode, uint64_t payload_bytes, bool final) {
  FrameHead head;
  const int length = payload_bytes <= 125      ? static_cast<int>(payload_bytes)
                     : payload_bytes <= 0xFFFF ? 126
                                               : 127;
  head.bytes[head.size++] = static_cast<char>((final ? final_bit : 0) | static_cast<int>(opcode));
  head.bytes[head.size++] = static_cast<char>(length);
  const int length_bits_left = length == 126 ? 16 : length == 127 ? 64 : 0;
  for (int shift = length_bits_left - 8; shift >= 0; shift -= 8) {
    head.bytes[head.size++] = static_cast<char>(payload_bytes >> shift);
  }
  return head;
}

void append_frame(std::string& out, Opcode opcode, std::string_view payload, const std::optional<Mask>& mask,
                  bool final) {
  FrameHead head = frame_head(opcode, payload.size(), final);
  if (mask) head.bytes[1] = static_cast<char>(head.bytes[1] | mask_bit);
  out.append(head.bytes.data(), head.size);
  if (mask) out.append(reinterpret_cast<const char*>(mask->data()), mask->size());
  const size_t at = out.size();
  out += payload;
  if (mask) apply_mask(*mask, 0, out.data() + at, payload.size());
}

std::string close_payload(uint16_t code, std::string_view reason) {
  std::string payload{static_cast<char>(code >> 8), static_cast<char>(code)};
  return payload.append(reason);
}

bool FrameReader::is_utf8(std::string_view text) const {
  return !options_.check_utf8 || simdjson::validate_utf8(text.data(), text.size());
}

Received FrameReader::violation(uint16_t code, std::string_view what) {
  ended_ = true;
  return {Received::Kind::violation, what, 0, code};
}

std::optional<Received> FrameReader::next(std::string_view& bytes) {
  if (returned_bytes_ > 0) {
    message_.erase(0, std::exchange(returned_bytes_, 0));
    if (message_.capacity() > kept_piece_bytes) message_.shrink_to_fit();
  }
  if (const std::string_view text = take_whole_text(bytes); text.data() != nullptr)
    return Received{Received::Kind::text, text, text.size(), 0};
  for (int fragments = 0; !ended_; ++fragments) {
    if (fragments == max_fragments_a_go) return std::nullopt;
    if (!in_frame_) {
      if (!take_head(bytes)) return std::nullopt;
      in_frame_ = true;
      if (auto wrong = begin_frame()) return wrong;
    }
    take_payload(bytes);
    if (options_.in_pieces && !is_control(frame_.opcode)) {
      if (auto piece = take_piece()) return piece;
    }
    if (frame_.left > 0) return std::nullopt;
    in_frame_ = false;
    if (auto received = end_frame()) return received;
  }
  bytes = {};
  return std::nullopt;
}

// An unfragmented text that lies in `bytes` as a whole, as nearly always: it needs no copy. Without data if
// there is none.
std::string_view FrameReader::take_whole_text(std::string_view& bytes) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const bool between_messages =
      head_size_ == 0 && !in_frame_ && message_opcode_ == Opcode::continuation && !ended_;
  if (!between_messages || options_.role != WebSocketRole::client) return {};
  if (bytes.size() < 4 || byte(0) != (final_bit | static_cast<int>(Opcode::text))) return {};
  size_t length = byte(1);
  size_t begin = 2;
  if (length == 126) {
    length = static_cast<size_t>(byte(2)) << 8 | byte(3);
    begin = 4;
    if (length < 126) return {};
  } else if (length > 126) {
    return {};
  }
  if (bytes.size() - begin < length || length > options_.max_message_bytes) return {};
  const std::string_view text = bytes.substr(begin, length);
  if (!is_utf8(text)) return {};
  bytes.remove_prefix(begin + length);
  fetch_ahead(bytes);
  return text;
}

bool FrameReader::take_head(std::string_view& bytes) {
  const auto size = [&]() -> size_t {
    if (head_size_ < 2) return 2;
    return 2 + length_size(head_bytes_[1]) + ((head_bytes_[1] & mask_bit) != 0 ? sizeof(Mask) : 0);
  };
  while (head_size_ < size()) {
    const size_t count = std::min(size() - head_size_, bytes.size());
    if (count == 0) return false;
    std::memcpy(head_bytes_ + head_size_, bytes.data(), count);
    head_size_ += count;
    bytes.remove_prefix(count);
  }
  head_size_ = 0;
  return true;
}

std::optional<Received> FrameReader::begin_frame() {
  const unsigned char first = head_bytes_[0];
  const unsigned char second = head_bytes_[1];
  const bool masked = (second & mask_bit) != 0;
  if ((first & reserved_bits) != 0) return violation(close_protocol_error, "a reserved bit is set");
  if (!is_known(first & opcode_bits)) return violation(close_protocol_error, "the opcode is a reserved one");
  if (masked != (options_.role == WebSocketRole::server)) {
    return violation(close_protocol_error,
                     masked ? "a server's frame is masked" : "a client's frame is not masked");
  }
  frame_.final = (first & final_bit) != 0;
  frame_.opcode = static_cast<Opcode>(first & opcode_bits);
  frame_.left = second & length_bits;
  if (const size_t size = length_size(second); size > 0) {
    frame_.left = 0;
    for (size_t i = 0; i < size; ++i) frame_.left = frame_.left << 8 | head_bytes_[2 + i];
    const uint64_t least = size == 2 ? 126 : 0x10000;
    if (frame_.left < least) return violation(close_protocol_error, "a length has more bytes than it needs");
    if (frame_.left >> 63 != 0) return violation(close_protocol_error, "a length is over 63 bits");
    if (frame_.left > max_frame_bytes) return violation(close_too_big, "a frame is over 64 MiB");
  }
  if (masked) std::memcpy(frame_.mask.data(), head_bytes_ + 2 + length_size(second), frame_.mask.size());
  frame_taken_ = 0;
  if (is_control(frame_.opcode)) {
    if (!frame_.final) return violation(close_protocol_error, "a control frame is fragmented");
    if (frame_.left > max_control_payload_bytes) {
      return violation(close_protocol_error, "a control frame is over 125 bytes");
    }
    control_.clear();
  } else if (frame_.opcode == Opcode::continuation) {
    if (message_opcode_ == Opcode::continuation) {
      return violation(close_protocol_error, "a fragment continues no message");
    }
  } else {
    if (message_opcode_ != Opcode::continuation) {
      return violation(close_protocol_error, "a message begins within another");
    }
    message_opcode_ = frame_.opcode;
    message_.clear();
    if (message_.capacity() > kept_bytes) std::string().swap(message_);
    message_total_bytes_ = 0;
  }
  return std::nullopt;
}

void FrameReader::take_payload(std::string_view& bytes) {
  const size_t count = static_cast<size_t>(std::min<uint64_t>(frame_.left, bytes.size()));
  std::string& to = is_control(frame_.opcode) ? control_ : message_;
  const size_t most = is_control(frame_.opcode) ? max_control_payload_bytes
                      : options_.in_pieces      ? SIZE_MAX
                                                : options_.max_message_bytes;
  const size_t at = to.size();
  to.append(bytes.substr(0, std::min(count, most - at)));
  if (options_.role == WebSocketRole::server) {
    apply_mask(frame_.mask, frame_taken_, to.data() + at, to.size() - at);
  }
  if (!is_control(frame_.opcode)) message_total_bytes_ += count;
  frame_taken_ += count;
  frame_.left -= count;
  bytes.remove_prefix(count);
}

std::optional<Received> FrameReader::end_frame() {
  switch (frame_.opcode) {
    case Opcode::ping:
      return Received{Received::Kind::ping, control_};
    case Opcode::pong:
      return Received{Received::Kind::pong, control_};
    case Opcode::close:
      return end_close();
    default:
      return frame_.final ? end_message() : std::nullopt;
  }
}

// A piece of a message that has not ended, or a violation.
std::optional<Received> FrameReader::take_piece() {
  if (frame_.final && frame_.left == 0) return std::nullopt;  // end_message() takes it
  const bool is_text = message_opcode_ == Opcode::text;
  const std::string_view piece =
      std::string_view(message_).substr(0, message_.size() - (is_text ? cut_character_bytes(message_) : 0));
  if (piece.empty()) return std::nullopt;
  if (is_text && !is_utf8(piece)) return violation(close_bad_data, "a text is not UTF-8");
  returned_bytes_ = piece.size();
  if (frame_.left == 0) in_frame_ = false;
  return Received{is_text ? Received::Kind::text : Received::Kind::binary, piece, message_total_bytes_, 0,
                  false};
}

std::optional<Received> FrameReader::end_message() {
  if (options_.in_pieces) returned_bytes_ = message_.size();
  const Opcode opcode = std::exchange(message_opcode_, Opcode::continuation);
  if (opcode == Opcode::binary) return Received{Received::Kind::binary, message_, message_total_bytes_};
  const bool is_whole = options_.in_pieces || message_total_bytes_ == message_.size();
  if (is_whole && !is_utf8(message_)) {
    return violation(close_bad_data, "a text is not UTF-8");
  }
  return Received{Received::Kind::text, message_, message_total_bytes_};
}

std::optional<Received> FrameReader::end_close() {
  ended_ = true;
  if (control_.empty()) return Received{Received::Kind::close, {}, 0, close_no_code};
  if (control_.size() == 1) return violation(close_protocol_error, "a close frame has half a code");
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(control_[i]); };
  const auto code = static_cast<uint16_t>(byte(0) << 8 | byte(1));
  const std::string_view reason = std::string_view(control_).substr(2);
  if (!is_sendable(code))
    return violation(close_protocol_error, "a close frame has a code that may not be sent");
  if (!is_utf8(reason)) return violation(close_bad_data, "the reason of a close frame is not UTF-8");
  return Received{Received::Kind::close, reason, 0, code};
}

}  // namespace aribus
