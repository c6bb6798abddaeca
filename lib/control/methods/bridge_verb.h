// bridge: makes a bridge with channels in it.
#pragma once

#include "control/method.h"

namespace aribus::control {

[[nodiscard]] Method bridge_verb();

}  // namespace aribus::control
