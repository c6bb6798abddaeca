// A readable view of the worker groups.
#pragma once

#include <vector>

#include "base/time.h"
#include "cli/output.h"
#include "json/json.h"

namespace aribus::cli {

// The result of `group.list`, as check_groups() lets it through, in lines of at most `columns` cells: at
// least 80, for the tables. Further cells are for the ids of calls.
[[nodiscard]] std::vector<Text> groups_lines(const JsonValue& groups, WallTime now, size_t columns);

}  // namespace aribus::cli
