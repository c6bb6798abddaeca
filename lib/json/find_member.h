// Members, values and texts, found in JSON without parsing the rest of it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace aribus {

// Behind the object, array or string that begins at `at`; of any other value, the comma or bracket behind it.
// `end` if there is none. What is no JSON is cut somewhere.
[[nodiscard]] const char* behind_value(const char* at, const char* end);

// The value of the first member of that name of the object that `text` is, as its JSON text; "" if there is
// none, or `text` is no object. Required: `text` is JSON without white space between tokens, as JsonTape and
// records have it. Names with escapes never match.
[[nodiscard]] std::string_view find_member(std::string_view text, std::string_view name);

// Where `sought` is first in `text`; nullptr if it is nowhere. Blocks are searched for its bytes number
// `rare` and `rare` + 1, which should be a rare pair. Reads nothing outside of `text`. Required: rare + 1 <
// sought.size().
[[nodiscard]] const char* find_text(std::string_view text, std::string_view sought, size_t rare);

// The member's string, decoded into `buffer` if it has escapes; "" if it is no string.
[[nodiscard]] std::string_view find_string_member(std::string_view text, std::string_view name,
                                                  std::string& buffer);

}  // namespace aribus
