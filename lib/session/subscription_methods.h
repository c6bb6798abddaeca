// `subscribe` and `unsubscribe`.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "control/method.h"

namespace aribus::session {

class Session;

// The session of a connection (Caller::connection); nullptr if there is none.
using FindSession = std::function<Session*(uint64_t connection)>;

// They are about the caller's own connection.
[[nodiscard]] std::vector<control::Method> subscription_methods(FindSession find);

}  // namespace aribus::session
