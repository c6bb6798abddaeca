// `subscribe` and `unsubscribe`.
#pragma once

#include <vector>

#include "control/method.h"
#include "session/find_session.h"

namespace aribus::session {

// They are about the caller's own connection.
[[nodiscard]] std::vector<control::Method> subscription_methods(FindSession find);

}  // namespace aribus::session
