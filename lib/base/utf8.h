// Text in UTF-8 (RFC 3629) that may be malformed or harmful.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace aribus {

inline constexpr char32_t no_character = 0xFFFFFFFF;

// Length of the well-formed UTF-8 sequence at the start of `text`, which is not empty, or 0.
[[nodiscard]] size_t sequence_length(std::string_view text);

// Removes the first character of `text`, which is not empty, and returns it; for a byte that is not
// well-formed UTF-8 it returns no_character.
[[nodiscard]] char32_t take_character(std::string_view& text);

// Whether a character ends a line, moves a terminal's cursor, hides text or changes its direction: control
// characters (C0, DEL, C1), line separators, and the zero-width characters of bidirectional text and
// formatting.
[[nodiscard]] bool is_harmful(char32_t character);

// `text` with every byte that is not well-formed UTF-8 replaced by U+FFFD, cut to at most `max_bytes` between
// two characters.
[[nodiscard]] std::string to_valid_utf8(std::string_view text, size_t max_bytes);

// `text` with each harmful character (is_harmful) and each byte that is not well-formed UTF-8 escaped as in a
// C string literal. The ASCII characters in `kept` are not escaped.
[[nodiscard]] std::string escape_controls(std::string_view text, std::string_view kept = {});

}  // namespace aribus
