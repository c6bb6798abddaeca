// Text taken sixteen bytes at a time.
#pragma once

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace aribus {

// Bit i: byte i of the sixteen is a control character, a quote or a backslash. Any but these stands in a JSON
// string as it is (RFC 8259, section 7).
inline unsigned special_bits(const char* at) {
#ifdef __SSE2__
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1F)), bytes);
  const __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
  const __m128i backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(control, _mm_or_si128(quote, backslash))));
#else
  unsigned bits = 0;
  for (unsigned i = 0; i < 16; ++i) {
    const char c = at[i];
    bits |= static_cast<unsigned>(static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\') << i;
  }
  return bits;
#endif
}

// Bit i: byte i of the sixteen is the same in both.
inline unsigned same_bits(const char* one, const char* other) {
#ifdef __SSE2__
  const __m128i left = _mm_loadu_si128(reinterpret_cast<const __m128i*>(one));
  const __m128i right = _mm_loadu_si128(reinterpret_cast<const __m128i*>(other));
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(left, right)));
#else
  unsigned bits = 0;
  for (unsigned i = 0; i < 16; ++i) bits |= static_cast<unsigned>(one[i] == other[i]) << i;
  return bits;
#endif
}

}  // namespace aribus
