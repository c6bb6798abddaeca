// Text processed in blocks of sixteen bytes, with the vector instructions of x86-64 (SSE2) and arm64 (NEON).
// The functions below are templates of the kind of block, so that the tests run them with PortableBlock as
// well and compare.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace aribus {

// Sixteen bytes for any processor. The other kinds of block have the same functions.
class PortableBlock {
 public:
  static PortableBlock load(const char* at) {
    PortableBlock loaded;
    std::memcpy(loaded.bytes_, at, 16);
    return loaded;
  }
  // Of two words in the processor's byte order.
  static PortableBlock make(uint64_t first, uint64_t second) {
    PortableBlock made;
    std::memcpy(made.bytes_, &first, 8);
    std::memcpy(made.bytes_ + 8, &second, 8);
    return made;
  }
  // Bit i: byte i is a control character, a quote or a backslash. All others need no escape in a JSON string
  // (RFC 8259, section 7).
  [[nodiscard]] unsigned special_bits() const {
    unsigned bits = 0;
    for (unsigned i = 0; i < 16; ++i) {
      const char c = bytes_[i];
      bits |= static_cast<unsigned>(static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\') << i;
    }
    return bits;
  }
  // Bit i: byte i is the same in both.
  [[nodiscard]] unsigned same_bits(const PortableBlock& other) const {
    unsigned bits = 0;
    for (unsigned i = 0; i < 16; ++i) bits |= static_cast<unsigned>(bytes_[i] == other.bytes_[i]) << i;
    return bits;
  }

 private:
  char bytes_[16];
};

#if defined(__SSE2__)
class SseBlock {
 public:
  static SseBlock load(const char* at) {
    return SseBlock(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)));
  }
  static SseBlock make(uint64_t first, uint64_t second) {
    return SseBlock(_mm_set_epi64x(static_cast<int64_t>(second), static_cast<int64_t>(first)));
  }
  [[nodiscard]] unsigned special_bits() const {
    const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes_, _mm_set1_epi8(0x1F)), bytes_);
    const __m128i quote = _mm_cmpeq_epi8(bytes_, _mm_set1_epi8('"'));
    const __m128i backslash = _mm_cmpeq_epi8(bytes_, _mm_set1_epi8('\\'));
    return bits(_mm_or_si128(control, _mm_or_si128(quote, backslash)));
  }
  [[nodiscard]] unsigned same_bits(SseBlock other) const {
    return bits(_mm_cmpeq_epi8(bytes_, other.bytes_));
  }

 private:
  explicit SseBlock(__m128i bytes) : bytes_(bytes) {}
  static unsigned bits(__m128i mask) { return static_cast<unsigned>(_mm_movemask_epi8(mask)); }

  __m128i bytes_;
};
using Block16 = SseBlock;
#elif defined(__aarch64__)
class NeonBlock {
 public:
  static NeonBlock load(const char* at) { return NeonBlock(vld1q_u8(reinterpret_cast<const uint8_t*>(at))); }
  static NeonBlock make(uint64_t first, uint64_t second) {
    return NeonBlock(vreinterpretq_u8_u64(vcombine_u64(vcreate_u64(first), vcreate_u64(second))));
  }
  [[nodiscard]] unsigned special_bits() const {
    const uint8x16_t control = vcltq_u8(bytes_, vdupq_n_u8(0x20));
    const uint8x16_t quote = vceqq_u8(bytes_, vdupq_n_u8('"'));
    const uint8x16_t backslash = vceqq_u8(bytes_, vdupq_n_u8('\\'));
    return bits(vorrq_u8(control, vorrq_u8(quote, backslash)));
  }
  [[nodiscard]] unsigned same_bits(NeonBlock other) const { return bits(vceqq_u8(bytes_, other.bytes_)); }

 private:
  explicit NeonBlock(uint8x16_t bytes) : bytes_(bytes) {}
  // NEON has no instruction that gathers the bits of a mask: each byte keeps its own bit, and they are added
  // up.
  static unsigned bits(uint8x16_t mask) {
    static constexpr uint8_t own[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x16_t kept = vandq_u8(mask, vld1q_u8(own));
    return vaddv_u8(vget_low_u8(kept)) | static_cast<unsigned>(vaddv_u8(vget_high_u8(kept))) << 8;
  }

  uint8x16_t bytes_;
};
using Block16 = NeonBlock;
#else
using Block16 = PortableBlock;
#endif

namespace detail {

// Whether none of the bytes is special. Copies them to `out`, if `copies`. Short texts are read as two
// overlapping pieces.
template <class Block, bool copies>
inline bool is_plain(std::string_view text, [[maybe_unused]] char* out) {
  const char* const at = text.data();
  const size_t size = text.size();
  const auto word = [&](size_t place, auto into) {
    std::memcpy(&into, at + place, sizeof into);
    if constexpr (copies) std::memcpy(out + place, &into, sizeof into);
    return into;
  };
  const auto block = [&](size_t place) {
    if constexpr (copies) std::memcpy(out + place, at + place, 16);
    return Block::load(at + place).special_bits();
  };
  constexpr uint64_t plain = 0x2020202020202020;
  if (size >= 16) {
    for (size_t i = 0; i + 16 < size; i += 16) {
      if (block(i) != 0) return false;
    }
    return block(size - 16) == 0;
  }
  if (size >= 8) return Block::make(word(0, uint64_t{}), word(size - 8, uint64_t{})).special_bits() == 0;
  if (size >= 4) {
    const uint64_t both = word(0, uint32_t{}) | uint64_t{word(size - 4, uint32_t{})} << 32;
    return Block::make(both, plain).special_bits() == 0;
  }
  uint64_t bytes = plain;
  for (size_t i = 0; i < size; ++i) bytes = bytes << 8 | word(i, uint8_t{});
  return Block::make(bytes, plain).special_bits() == 0;
}

}  // namespace detail

// Whether none of the bytes is special.
template <class Block = Block16>
inline bool is_plain(std::string_view text) {
  return detail::is_plain<Block, false>(text, nullptr);
}

// The same, and copies the bytes to `out` if none is.
template <class Block = Block16>
inline bool copy_if_plain(std::string_view text, char* out) {
  return detail::is_plain<Block, true>(text, out);
}

// Bit i: byte i of the 32 at `at` is special. Most strings end within so many, so that no branch depends on
// how long they are: the processor could only guess.
template <class Block = Block16>
inline uint32_t special_bits_of_32(const char* at) {
  return Block::load(at).special_bits() | Block::load(at + 16).special_bits() << 16;
}

// The first special byte at or behind `at`. Required: there is one, and the 31 bytes after it can be read.
template <class Block = Block16>
inline const char* next_special(const char* at) {
  for (;; at += 32) {
    const uint32_t special = special_bits_of_32<Block>(at);
    if (special != 0) return at + std::countr_zero(special);
  }
}

// Whether the first `size` bytes are the same. Reads up to sixteen bytes after the first difference.
template <class Block = Block16>
inline bool same_bytes(const char* one, const char* other, size_t size) {
  for (; size > 16; size -= 16, one += 16, other += 16) {
    if (Block::load(one).same_bits(Block::load(other)) != 0xFFFF) return false;
  }
  const unsigned wanted = (1U << size) - 1;
  return (Block::load(one).same_bits(Block::load(other)) & wanted) == wanted;
}

}  // namespace aribus
