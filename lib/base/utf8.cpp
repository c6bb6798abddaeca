#include "base/utf8.h"

#include <algorithm>
#include <cstdio>

namespace aribus {
namespace {

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

size_t sequence_length(std::string_view s) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(s[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  size_t length = 0;
  unsigned char low = 0x80, high = 0xBF;
  if (first >= 0xC2 && first <= 0xDF) {
    length = 2;
  } else if (first >= 0xE0 && first <= 0xEF) {
    length = 3;
    if (first == 0xE0) low = 0xA0;
    if (first == 0xED) high = 0x9F;
  } else if (first >= 0xF0 && first <= 0xF4) {
    length = 4;
    if (first == 0xF0) low = 0x90;
    if (first == 0xF4) high = 0x8F;
  } else {
    return 0;
  }
  if (s.size() < length || byte(1) < low || byte(1) > high) return 0;
  for (size_t i = 2; i < length; ++i) {
    if (byte(i) < 0x80 || byte(i) > 0xBF) return 0;
  }
  return length;
}

char32_t take_character(std::string_view& text) {
  const size_t length = sequence_length(text);
  char32_t character = static_cast<unsigned char>(text[0]);
  if (length > 1) {
    character &= 0x7FU >> length;
    for (const char c : text.substr(1, length - 1)) {
      character = character << 6 | (static_cast<unsigned char>(c) & 0x3FU);
    }
  }
  text.remove_prefix(std::max<size_t>(length, 1));
  return length == 0 ? no_character : character;
}

bool is_harmful(char32_t character) {
  struct Range {
    char32_t first, last;
  };
  static constexpr Range ranges[] = {{0x00, 0x1F},     {0x7F, 0x9F},      {0x61C, 0x61C},   {0x180E, 0x180E},
                                     {0x200B, 0x200F}, {0x2028, 0x202E},  {0x2060, 0x206F}, {0xFEFF, 0xFEFF},
                                     {0xFFF9, 0xFFFB}, {0xE0000, 0xE007F}};
  return std::ranges::any_of(
      ranges, [&](const Range& range) { return character >= range.first && character <= range.last; });
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

std::string escape_controls(std::string_view text, std::string_view kept) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::string_view before = text;
    const char32_t character = take_character(text);
    const std::string_view piece = before.substr(0, before.size() - text.size());
    const bool byte = character == no_character;
    if (!byte &&
        (!is_harmful(character) || (piece.size() == 1 && kept.find(piece) != std::string_view::npos))) {
      out += piece;
    } else {
      append_escaped(out, byte ? static_cast<unsigned char>(piece[0]) : character, byte);
    }
  }
  return out;
}

}  // namespace aribus
