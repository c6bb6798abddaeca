// Which PBXs are on the bus, for people.
#pragma once

#include <vector>

#include "cli/output.h"
#include "json/json.h"

namespace aribus::cli {

// What `aribus-nats --list` printed, whatever is in it, in lines of at most `columns` cells: at least 80, for
// the table.
[[nodiscard]] std::vector<Text> pbx_lines(const JsonValue& list, size_t columns);

}  // namespace aribus::cli
