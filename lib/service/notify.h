// What the daemon tells systemd (sd_notify(3)).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "net/loop.h"

namespace aribus::service {

// Sends `state`, as "READY=1", to the socket that $NOTIFY_SOCKET names; without systemd it does nothing.
void notify_systemd(std::string_view state);

// Shows `text` in `systemctl status`.
void notify_status(std::string text);

// Says that a new configuration is being taken; the next "READY=1" says that it has been.
void notify_reloading();

// How often systemd's watchdog wants to hear "WATCHDOG=1": half of $WATCHDOG_USEC; nothing when there is
// none.
[[nodiscard]] std::optional<Milliseconds> watchdog_interval();

}  // namespace aribus::service
