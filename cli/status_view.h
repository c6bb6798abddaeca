// The daemon's status for people.
#pragma once

#include <vector>

#include "base/json.h"
#include "base/time.h"
#include "cli/output.h"

namespace aribus::cli {

// The result of `status`, as check_status() lets it through, in lines of at most `columns` cells.
[[nodiscard]] std::vector<Text> status_lines(const JsonValue& status, WallTime now, size_t columns);

}  // namespace aribus::cli
