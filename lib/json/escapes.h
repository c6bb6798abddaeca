// The escapes in JSON strings (RFC 8259, section 7).
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace aribus {

// Returns the place behind the escape, or surrogate pair of two escapes, whose backslash is at `at`; nullptr
// if it is invalid or half of a pair. Required: a byte that is part of no escape, such as the closing quote
// or a zero, comes before the memory ends.
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

const char* behind_code_units(const char* at);

}  // namespace detail

inline const char* behind_escape(const char* at) {
  const char meaning = detail::escape_meanings[static_cast<unsigned char>(at[1])];
  if (meaning == 'u') return detail::behind_code_units(at);
  return meaning == 0 ? nullptr : at + 2;
}

}  // namespace aribus
