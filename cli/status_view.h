// The daemon's status for people.
#pragma once

#include <string>

#include "base/json.h"
#include "base/time.h"

namespace aribus::cli {

// `status` is the result of the method of that name. Several lines.
[[nodiscard]] std::string status_text(const JsonValue& status, WallTime now, bool colour);

}  // namespace aribus::cli
