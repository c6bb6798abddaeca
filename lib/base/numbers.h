// Whole numbers in text.
#pragma once

#include <charconv>
#include <concepts>
#include <cstddef>
#include <limits>
#include <optional>
#include <string_view>

namespace aribus {

// The whole number that all of `text` is, in the digits of `base`. A minus is allowed for signed types; a
// plus, spaces and an empty text are not. Nothing when `text` is no number, or one that T can't hold.
template <std::integral T>
[[nodiscard]] std::optional<T> whole_number(std::string_view text, int base = 10) {
  T number{};
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number, base);
  if (error != std::errc() || at != end) return {};
  return number;
}

// Characters of a number in decimal digits, with its sign, at most.
template <std::integral T>
inline constexpr size_t max_digits = std::numeric_limits<T>::digits10 + 2;

}  // namespace aribus
