// Shortcuts for what programs do most, each made of one or more of ARI's operations.
#pragma once

#include <vector>

#include "control/method.h"

namespace aribus::control {

// ari.request, bridge, hangup, originate, play, record, transfer.
[[nodiscard]] std::vector<Method> verbs();

}  // namespace aribus::control
