// ARI's operations as methods.
#pragma once

#include <vector>

#include "control/method.h"

namespace aribus::control {

// A method for each of ARI's operations, of the same name ("channels.answer"), with its access level.
[[nodiscard]] std::vector<Method> operation_methods();

}  // namespace aribus::control
