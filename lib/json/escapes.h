// The escapes in JSON strings (RFC 8259, section 7).
#pragma once

#include <string>
#include <string_view>

namespace aribus {

// Returns the place behind the escape, or surrogate pair of two escapes, whose backslash is at `at`; nullptr if it is
// invalid or half of a pair. Required: a byte that is part of no escape, such as the closing quote or a zero, comes
// before the memory ends.
[[nodiscard]] const char* behind_escape(const char* at);

// Adds the string whose inside, with its escapes, is `raw` to the end of `out`. Required: its escapes are valid.
void append_decoded(std::string& out, std::string_view raw);

}  // namespace aribus
