// What the tool's views have in common: text on a terminal.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/time.h"

namespace aribus::cli {

inline constexpr std::string_view bold = "1", green = "32", red = "31", grey = "90", yellow = "33";

// Whether standard output is a terminal.
[[nodiscard]] bool is_terminal();
// Whether it shows colours; not where $NO_COLOR is set (https://no-color.org).
[[nodiscard]] bool has_colour();

// The text in a colour (SGR), if there are any.
[[nodiscard]] std::string paint(bool colour, std::string_view text, std::string_view code);

// Without control characters, which terminals obey: names and numbers of callers come from outside.
[[nodiscard]] std::string printable(std::string_view text);

// "8.1 s", "2 min 05 s" or "3 h 12 min".
[[nodiscard]] std::string duration_text(WallTime from, WallTime to);

// Who is on an ARI Channel: "Alice <100>", or the channel's name.
[[nodiscard]] std::string who_is(const JsonValue& channel);

// The strings of the list `name`, with ", " between them; "" when there is none.
[[nodiscard]] std::string joined(const JsonValue& object, std::string_view name);

// Cut, or filled with spaces, to `columns` characters.
[[nodiscard]] std::string fitted(std::string_view text, size_t columns);

}  // namespace aribus::cli
