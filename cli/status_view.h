// The daemon's status for people.
#pragma once

#include <vector>

#include "base/json.h"
#include "base/time.h"
#include "cli/output.h"

namespace aribus::cli {

// The result of `status`, as check_status() lets it through.
[[nodiscard]] std::vector<Text> status_lines(const JsonValue& status, WallTime now);

}  // namespace aribus::cli
