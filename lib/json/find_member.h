// Members, values and texts, found in JSON without parsing the rest of it.
#pragma once

#include <bit>
#include <cstddef>
#include <string>
#include <string_view>

#include "json/simd.h"

namespace aribus {

// Behind the object, array or string that begins at `at`; of any other value, the comma or bracket behind it.
// `end` if there is none. What is no JSON is cut somewhere.
[[nodiscard]] const char* behind_value(const char* at, const char* end);

// The value of the first member of that name of the object that `text` is, as its JSON text; "" if there is
// none, or `text` is no object. Required: `text` is JSON without white space between tokens, as JsonTape and
// records have it. Names with escapes never match.
[[nodiscard]] std::string_view find_member(std::string_view text, std::string_view name);

// Calls `use(name, value)` for each member of the object that `text` is, both as they stand there, until it
// returns false. Required: as for find_member().
template <typename Use>
void each_member_of(std::string_view text, Use use);

// Where `sought` is first in `text`; nullptr if it is nowhere. Blocks are searched for its bytes number
// `rare` and `rare` + 1, which should be a rare pair. Reads nothing outside of `text`. Required: rare + 1 <
// sought.size().
[[nodiscard]] const char* find_text(std::string_view text, std::string_view sought, size_t rare);

// What the JSON text of a string says, decoded into `buffer` if it has escapes; "" if it is no string.
[[nodiscard]] std::string_view string_of(std::string_view json, std::string& buffer);
[[nodiscard]] std::string string_of(std::string_view json);

// The member's string, decoded into `buffer` if it has escapes; "" if it is no string.
[[nodiscard]] std::string_view find_string_member(std::string_view text, std::string_view name,
                                                  std::string& buffer);

// Behind the closing quote of the string whose inside begins at `at`; `end` if there is none.
[[nodiscard]] const char* behind_long_string(const char* at, const char* end);
[[nodiscard]] inline const char* behind_string(const char* at, const char* end) {
  if (end - at >= 16) {
    const unsigned special = Block16::load(at).special_bits();
    if (special != 0 && at[std::countr_zero(special)] == '"') return at + std::countr_zero(special) + 1;
  }
  return behind_long_string(at, end);
}

template <typename Use>
void each_member_of(std::string_view text, Use use) {
  if (!text.starts_with('{')) return;
  const char* const end = text.data() + text.size();
  const char* at = text.data() + 1;
  while (at < end && *at == '"') {
    const char* const name_end = behind_string(at + 1, end);
    if (name_end == end) return;
    const std::string_view name(at + 1, static_cast<size_t>(name_end - at) - 2);
    const char* const value = name_end + 1;
    at = value < end && *value == '"' ? behind_string(value + 1, end) : behind_value(value, end);
    if (!use(name, std::string_view(value, static_cast<size_t>(at - value)))) return;
    if (at < end) ++at;  // a comma
  }
}

}  // namespace aribus
