// What the daemon tells systemd (sd_notify(3)).
#pragma once

#include <optional>
#include <string_view>

#include "base/loop.h"

namespace aribus::daemon {

// Sends `state`, as "READY=1", to the socket that $NOTIFY_SOCKET names; without systemd it does nothing.
void notify_systemd(std::string_view state);

// Says that the configuration is being read anew, until the next READY=1.
void notify_reloading();

// How often systemd's watchdog wants to hear "WATCHDOG=1": half of $WATCHDOG_USEC; nothing when there is
// none.
[[nodiscard]] std::optional<Milliseconds> watchdog_interval();

}  // namespace aribus::daemon
