// The values in a JSON text, one by one, where they stand. Whoever calls knows what may come next.
#pragma once

#include <cstdint>
#include <string_view>

#include "json/simd.h"

namespace aribus {

enum class JsonKind : uint8_t { object, array, string, number, boolean, null };

// What JSON calls a value of this kind: "object", …
[[nodiscard]] std::string_view kind_name(JsonKind kind);

// Required below: the text is a PaddedText, or a part of one.

// Where the closing quote is of the string whose first special byte is at `at`, which is a backslash; nullptr
// if an escape is invalid or there is no such quote.
[[nodiscard]] const char* escaped_string_end(const char* at);

// Where the closing quote is of the string whose inside begins at `in`; nullptr if an escape is invalid or
// there is no such quote. Sets `escaped` if there are escapes.
[[nodiscard]] inline const char* string_end(const char* in, bool& escaped) {
  in = next_special(in);
  if (*in == '"') [[likely]]
    return in;
  escaped = true;
  return escaped_string_end(in);
}

// The end of the number, true, false or null at `in`, and its kind; nullptr if it is none, or a number too
// large for a double.
[[nodiscard]] const char* scalar_end(const char* in, JsonKind& kind);

// What may stand between tokens.
[[nodiscard]] inline bool is_json_space(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

}  // namespace aribus
