// The texts of --help.
#pragma once

#include <string>
#include <vector>

#include "cli/commands.h"

namespace aribus::cli {

// Of the tool, in lines of at most `columns` characters.
[[nodiscard]] std::vector<std::string> usage(size_t columns);

// For a command: its description, its options and, for a verb, its parameters.
[[nodiscard]] std::vector<std::string> help_of(const Command& command, size_t columns);

}  // namespace aribus::cli
