// What the methods say of themselves, as an OpenRPC document (https://spec.open-rpc.org).
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "control/method.h"

namespace aribus::control {

// The OpenRPC 1.3 document about `methods`, as JSON; `version` is that of aribus. What goes beyond OpenRPC is
// in members `x-…`: facts of ARI (`x-ari`), and the operations that a verb is made of (`x-made-of`).
[[nodiscard]] std::string describe(const std::map<std::string, Method, std::less<>>& methods,
                                   std::string_view version);

}  // namespace aribus::control
