// The daemon's status for people.
#pragma once

#include <vector>

#include "base/time.h"
#include "cli/output.h"
#include "json/json.h"

namespace aribus::cli {

// The result of `status`, as check_status() lets it through, in lines of at most `columns` cells.
[[nodiscard]] std::vector<Text> status_lines(const JsonValue& status, WallTime now, size_t columns);

}  // namespace aribus::cli
