// Notifications to systemd (sd_notify(3)), written by hand: libsystemd's calls can block.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "net/loop.h"

namespace aribus::service {

// Sends `state`, for example "READY=1", to the socket in $NOTIFY_SOCKET. Does nothing without systemd.
void notify_systemd(std::string_view state);

// Shows `text` in `systemctl status`.
void notify_status(std::string text);

// Announces a reload, which ends with the next "READY=1".
void notify_reloading();

// The interval for sending "WATCHDOG=1" to systemd's watchdog: half of $WATCHDOG_USEC; nothing without one.
[[nodiscard]] std::optional<Milliseconds> watchdog_interval();

}  // namespace aribus::service
