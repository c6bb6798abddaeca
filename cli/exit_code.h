// How the tool ends, and what it then says on standard error.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace aribus::cli {

// Scripts decide by it what to do next.
enum ExitCode : int {
  done = 0,
  failed = 1,           // refused by Asterisk, or any other failure: files that can't be used, …
  misused = 2,          // wrong arguments: nothing was sent
  not_connected = 3,    // aribusd or its Asterisk is not there or does not answer: nothing was changed
  outcome_unknown = 4,  // a command was sent, and no answer came in time
  not_allowed = 5,      // an access rule forbids it: nothing was sent
};

// Writes an error to standard error and returns its exit status. `command` is the one whose arguments are
// wrong.
int fail(const Error& error);
int misuse(const std::string& message);
int misuse(const std::string& command, const std::string& message);

// An error about a file, from `errno`.
[[nodiscard]] Error file_error(std::string_view what);

}  // namespace aribus::cli
