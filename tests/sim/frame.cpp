#include "frame.h"

namespace aribus::sim {

std::string frame(Opcode opcode, std::string_view payload, bool final) {
  std::string out;
  out.reserve(payload.size() + 10);
  out += static_cast<char>((final ? 0x80 : 0) | static_cast<int>(opcode));
  const uint64_t size = payload.size();
  int length_bytes = 0;
  if (size < 126) {
    out += static_cast<char>(size);
  } else if (size < 65536) {
    out += static_cast<char>(126);
    length_bytes = 2;
  } else {
    out += static_cast<char>(127);
    length_bytes = 8;
  }
  for (int i = length_bytes - 1; i >= 0; --i) out += static_cast<char>(size >> (8 * i));
  return out.append(payload);
}

std::string close_payload(uint16_t code, std::string_view reason) {
  std::string out{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
  return out.append(reason);
}

std::optional<ClientFrame> take_frame(std::string& buffer) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(buffer[i]); };
  if (buffer.size() < 2) return std::nullopt;
  ClientFrame out{(byte(0) & 0x80) != 0, static_cast<Opcode>(byte(0) & 0x0f), (byte(1) & 0x80) != 0, {}};
  uint64_t size = byte(1) & 0x7f;
  size_t at = 2;
  const size_t length_bytes = size == 126 ? 2 : size == 127 ? 8 : 0;
  if (buffer.size() < at + length_bytes) return std::nullopt;
  if (length_bytes > 0) size = 0;
  for (size_t i = 0; i < length_bytes; ++i) size = size << 8 | byte(at++);
  const size_t mask_at = at;
  if (out.masked) at += 4;
  if (buffer.size() < at || buffer.size() - at < size) return std::nullopt;
  out.payload = buffer.substr(at, size);
  if (out.masked) {
    for (size_t i = 0; i < size; ++i)
      out.payload[i] = static_cast<char>(out.payload[i] ^ buffer[mask_at + i % 4]);
  }
  buffer.erase(0, at + size);
  return out;
}

}  // namespace aribus::sim
