// Text processed in blocks of sixteen bytes.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace aribus {

#ifdef __SSE2__
using Block16 = __m128i;

inline Block16 load_block(const char* at) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
}
inline Block16 make_block(uint64_t first, uint64_t second) {
  return _mm_set_epi64x(static_cast<int64_t>(second), static_cast<int64_t>(first));
}
// Bit i: byte i is a control character, a quote or a backslash. All others need no escape in a JSON string
// (RFC 8259, section 7).
inline unsigned special_bits(Block16 bytes) {
  const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1F)), bytes);
  const __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
  const __m128i backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(control, _mm_or_si128(quote, backslash))));
}
// Bit i: byte i is the same in both.
inline unsigned same_bits(Block16 one, Block16 other) {
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(one, other)));
}
#else
struct Block16 {
  char bytes[16];
};

inline Block16 load_block(const char* at) {
  Block16 loaded;
  std::memcpy(loaded.bytes, at, 16);
  return loaded;
}
inline Block16 make_block(uint64_t first, uint64_t second) {
  Block16 made;
  std::memcpy(made.bytes, &first, 8);
  std::memcpy(made.bytes + 8, &second, 8);
  return made;
}
inline unsigned special_bits(const Block16& block) {
  unsigned bits = 0;
  for (unsigned i = 0; i < 16; ++i) {
    const char c = block.bytes[i];
    bits |= static_cast<unsigned>(static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\') << i;
  }
  return bits;
}
inline unsigned same_bits(const Block16& one, const Block16& other) {
  unsigned bits = 0;
  for (unsigned i = 0; i < 16; ++i) bits |= static_cast<unsigned>(one.bytes[i] == other.bytes[i]) << i;
  return bits;
}
#endif

// Whether none of the bytes is special. Short texts are read as two overlapping pieces.
inline bool is_plain(std::string_view text) {
  const char* const at = text.data();
  const size_t size = text.size();
  const auto word = [](const char* from, auto into) {
    std::memcpy(&into, from, sizeof into);
    return into;
  };
  constexpr uint64_t plain = 0x2020202020202020;
  if (size >= 16) {
    for (size_t i = 0; i + 16 < size; i += 16) {
      if (special_bits(load_block(at + i)) != 0) return false;
    }
    return special_bits(load_block(at + size - 16)) == 0;
  }
  if (size >= 8) return special_bits(make_block(word(at, uint64_t{}), word(at + size - 8, uint64_t{}))) == 0;
  if (size >= 4) {
    const uint64_t both = word(at, uint32_t{}) | uint64_t{word(at + size - 4, uint32_t{})} << 32;
    return special_bits(make_block(both, plain)) == 0;
  }
  uint64_t bytes = plain;
  for (const char c : text) bytes = bytes << 8 | static_cast<unsigned char>(c);
  return special_bits(make_block(bytes, plain)) == 0;
}

}  // namespace aribus
