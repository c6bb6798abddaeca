// play and record, on a channel or a bridge.
#pragma once

#include <vector>

#include "control/method.h"

namespace aribus::control {

[[nodiscard]] std::vector<Method> media_verbs();

}  // namespace aribus::control
