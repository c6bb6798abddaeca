// Text that came from elsewhere: UTF-8 and base64.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace aribus {

// `text` with every byte that is not part of well-formed UTF-8 (RFC 3629) replaced by U+FFFD, cut to at most
// `max_bytes` at a character's boundary.
[[nodiscard]] std::string to_valid_utf8(std::string_view text, size_t max_bytes);

// `text` with each character escaped that ends a line, moves a terminal's cursor, or hides text or turns it
// around, as in a literal of C: control characters (C0, DEL, C1), separators of lines, and characters
// without a width that bidirectional text and formatting use. So is each byte that is no UTF-8.
// Those in `kept`, ASCII, stay.
[[nodiscard]] std::string escape_controls(std::string_view text, std::string_view kept = {});

// A hash of `bytes`, for indices in memory. It differs from process to process: who chooses the keys of a
// table can't choose them so that they collide.
[[nodiscard]] uint64_t hash_of(std::string_view bytes);

// The hash for tables whose keys are texts from elsewhere (std::hash has no secret).
struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return hash_of(text); }
};

// RFC 4648 base64 with padding.
[[nodiscard]] std::string base64(std::string_view bytes);

// `count` bytes that nobody can foresee.
[[nodiscard]] std::string random_bytes(size_t count);

// `bytes` random bytes as lower-case hexadecimal.
[[nodiscard]] std::string random_hex(size_t bytes);

}  // namespace aribus
