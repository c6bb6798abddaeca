// The escapes in JSON strings (RFC 8259, section 7).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace aribus {

// Returns the place behind the escape, or surrogate pair of two escapes, whose backslash is at `at`; nullptr
// if it is invalid or half of a pair. Required: `at` is in a PaddedText.
[[nodiscard]] inline const char* behind_escape(const char* at);

// Adds the string whose inside, with its escapes, is `raw` to the end of `out`. Required: its escapes are
// valid.
void append_decoded(std::string& out, std::string_view raw);

namespace detail {

// What the letter behind a backslash stands for; 0: it is none. A `u` has four digits behind it.
constexpr std::array<char, 256> make_escape_meanings() {
  std::array<char, 256> meanings{};
  constexpr std::string_view letters = "\"\\/bfnrtu";
  constexpr std::string_view meant = "\"\\/\b\f\n\r\tu";
  for (size_t i = 0; i < letters.size(); ++i) meanings[static_cast<unsigned char>(letters[i])] = meant[i];
  return meanings;
}
inline constexpr std::array<char, 256> escape_meanings = make_escape_meanings();

constexpr std::array<int8_t, 256> make_hex_digits() {
  std::array<int8_t, 256> digits{};
  digits.fill(-1);
  for (int i = 0; i < 10; ++i) digits[static_cast<size_t>('0' + i)] = static_cast<int8_t>(i);
  for (int i = 0; i < 6; ++i) {
    digits[static_cast<size_t>('a' + i)] = digits[static_cast<size_t>('A' + i)] = static_cast<int8_t>(10 + i);
  }
  return digits;
}
inline constexpr std::array<int8_t, 256> hex_digits = make_hex_digits();  // -1: it is none

inline constexpr uint32_t no_unit = UINT32_MAX;

// The code unit of the four digits at `at`, or `no_unit`.
inline uint32_t code_unit(const char* at) {
  const auto digit = [&](int i) { return int{hex_digits[static_cast<unsigned char>(at[i])]}; };
  const int first = digit(0), second = digit(1), third = digit(2), fourth = digit(3);
  const bool good = (first | second | third | fourth) >= 0;
  return good ? static_cast<uint32_t>(first << 12 | second << 8 | third << 4 | fourth) : no_unit;
}

inline bool is_surrogate(uint32_t unit) {
  return (unit & ~uint32_t{0x7FF}) == 0xD800;
}

// Behind the pair of surrogates at `at`, or nullptr.
const char* behind_pair(const char* at);

}  // namespace detail

inline const char* behind_escape(const char* at) {
  const char meaning = detail::escape_meanings[static_cast<unsigned char>(at[1])];
  // Whether there are digits can't be guessed, so they are read in any case, and no branch depends on it.
  const uint32_t unit = detail::code_unit(at + 2);
  const bool digits = meaning == 'u';
  if (meaning == 0 || (digits & ((unit == detail::no_unit) | detail::is_surrogate(unit)))) [[unlikely]]
    return digits ? detail::behind_pair(at) : nullptr;
  return at + (digits ? 6 : 2);
}

}  // namespace aribus
