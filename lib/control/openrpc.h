// The OpenRPC document (https://spec.open-rpc.org) that describes all methods.
#pragma once

#include <string>
#include <string_view>

#include "control/method_table.h"

namespace aribus::control {

// The OpenRPC 1.3 document about `methods`, as JSON; `version` is that of aribus. Members beyond OpenRPC:
// `x-access` (access level), `x-ari` (facts of ARI), `x-made-of` (the operations that a verb calls).
[[nodiscard]] std::string describe(const MethodTable& methods, std::string_view version);

}  // namespace aribus::control
