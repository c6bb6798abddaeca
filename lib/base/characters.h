// Characters of Unicode in UTF-8 (RFC 3629).
#pragma once

#include <cstddef>
#include <string_view>

namespace aribus {

inline constexpr char32_t no_character = 0xFFFFFFFF;

// Length of the well-formed UTF-8 sequence at the start of `text`, which is not empty, or 0.
[[nodiscard]] size_t sequence_length(std::string_view text);

// Takes a character off the front of `text`, which is not empty; a byte that is no UTF-8 is no_character.
[[nodiscard]] char32_t take_character(std::string_view& text);

// It ends a line, moves a terminal's cursor, or hides text or turns it around: control characters (C0, DEL,
// C1), separators of lines, and characters without a width that bidirectional text and formatting use.
[[nodiscard]] bool is_harmful(char32_t character);

}  // namespace aribus
