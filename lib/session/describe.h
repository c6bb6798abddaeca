// What aribusd --describe prints.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace aribus::session {

// The description `what` of the protocol, as indented JSON: "openrpc", "records" or "asyncapi".
// Errors: invalid_params for another word, naming these.
[[nodiscard]] Result<std::string> describe(std::string_view what);

}  // namespace aribus::session
