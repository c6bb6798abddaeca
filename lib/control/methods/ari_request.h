// ari.request: any request to ARI.
#pragma once

#include "control/method.h"

namespace aribus::control {

[[nodiscard]] Method ari_request();

}  // namespace aribus::control
