// What people do all day, made of ARI's operations.
#pragma once

#include <vector>

#include "control/method.h"

namespace aribus::control {

// The verbs: ari.request, bridge, hangup, originate, play, record, transfer.
[[nodiscard]] std::vector<Method> verbs();

// The parameters of a verb ask it to wait for the end of what it begins.
[[nodiscard]] bool waits_for_end(const JsonValue& params);

}  // namespace aribus::control
