// hangup, originate and transfer.
#pragma once

#include <vector>

#include "control/method.h"

namespace aribus::control {

[[nodiscard]] std::vector<Method> call_verbs();

}  // namespace aribus::control
