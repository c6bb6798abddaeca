#include "base/bytes.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <stdexcept>

#include <uv.h>

#include "base/characters.h"

namespace aribus {
namespace {

// What makes the hashes of this process its own.
struct HashKey {
  uint64_t seed = 0;
  uint64_t factor = 0;  // odd

  static HashKey random() {
    HashKey key;
    const std::string bytes = random_bytes(sizeof key);
    std::memcpy(&key, bytes.data(), sizeof key);
    key.factor |= 1;
    return key;
  }
};
const HashKey hash_key = HashKey::random();

void append_escaped(std::string& out, char32_t code, bool byte) {
  static constexpr std::string_view letters = "nrt", meanings = "\n\r\t";
  char text[12];
  if (const size_t known = meanings.find(static_cast<char>(code));
      code < ' ' && known != std::string_view::npos) {
    std::snprintf(text, sizeof text, "\\%c", letters[known]);
  } else {
    std::snprintf(text, sizeof text, byte || code < 0x80 ? "\\x%02x" : "\\u%04x",
                  static_cast<unsigned>(code));
  }
  out += text;
}

}  // namespace

std::string escape_controls(std::string_view text, std::string_view kept) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::string_view before = text;
    const char32_t character = take_character(text);
    const std::string_view piece = before.substr(0, before.size() - text.size());
    const bool byte = character == no_character;
    if (!byte && (!is_harmful(character) || (piece.size() == 1 && kept.find(piece) != std::string_view::npos))) {
      out += piece;
    } else {
      append_escaped(out, byte ? static_cast<unsigned char>(piece[0]) : character, byte);
    }
  }
  return out;
}

uint64_t hash_of(std::string_view bytes) {
  const uint64_t factor = hash_key.factor;
  uint64_t hash = hash_key.seed + bytes.size() * factor;
  const auto mix = [&](uint64_t word) {
    const auto product = static_cast<unsigned __int128>(hash ^ word) * factor;
    hash = static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  };
  const auto word_at = [&](size_t at, size_t size) {
    uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, size);
    return word;
  };
  size_t at = 0;
  for (; bytes.size() - at >= 8; at += 8) mix(word_at(at, 8));
  if (at == bytes.size()) return hash;
  if (at > 0) {
    mix(word_at(bytes.size() - 8, 8));  // some of them again
  } else {
    mix(word_at(0, bytes.size()));
  }
  return hash;
}

std::string to_valid_utf8(std::string_view text, size_t max_bytes) {
  static constexpr std::string_view replacement = "\xEF\xBF\xBD";
  std::string out;
  out.reserve(std::min(text.size(), max_bytes));
  while (!text.empty()) {
    const size_t length = sequence_length(text);
    const std::string_view piece = length == 0 ? replacement : text.substr(0, length);
    if (out.size() + piece.size() > max_bytes) break;
    out += piece;
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return out;
}

std::string base64(std::string_view bytes) {
  static constexpr char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t count = std::min<size_t>(3, bytes.size() - i);
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j) {
      group = group << 8 | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0);
    }
    for (size_t j = 0; j < 4; ++j) out += j <= count ? alphabet[group >> (18 - 6 * j) & 63] : '=';
  }
  return out;
}

std::string random_bytes(size_t count) {
  std::string bytes(count, '\0');
  if (uv_random(nullptr, nullptr, bytes.data(), bytes.size(), 0, nullptr) != 0) {
    throw std::runtime_error("the system gives no random bytes");
  }
  return bytes;
}

std::string random_hex(size_t bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const unsigned char c : random_bytes(bytes)) {
    out += digits[c >> 4];
    out += digits[c & 15];
  }
  return out;
}

}  // namespace aribus
