// How a program reports why it ends.
#pragma once

#include <string_view>

#include "base/result.h"

namespace aribus::service {

// Writes each line of the error's message to standard error, behind the program's name, and returns `status`,
// for the end of main(). In the journal the lines are errors.
[[nodiscard]] int fail(std::string_view program, const Error& error, int status);

}  // namespace aribus::service
