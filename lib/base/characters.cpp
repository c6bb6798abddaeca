#include "base/characters.h"

#include <algorithm>

namespace aribus {

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

}  // namespace aribus
