// A readable view of the programs that are connected to the daemon.
#pragma once

#include <vector>

#include "base/time.h"
#include "cli/output.h"
#include "json/json.h"

namespace aribus::cli {

// The result of `daemon.clients`, as check_clients() lets it through, in lines of at most `columns` cells: at
// least 80, for the table.
[[nodiscard]] std::vector<Text> clients_lines(const JsonValue& clients, WallTime now, size_t columns);

}  // namespace aribus::cli
