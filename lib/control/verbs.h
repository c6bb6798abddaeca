// What people do all day, made of ARI's operations.
#pragma once

#include <vector>

#include "control/method.h"

namespace aribus::control {

// The verbs: ari.request, bridge, hangup, originate, play, record, transfer.
[[nodiscard]] std::vector<Method> verbs();

}  // namespace aribus::control
