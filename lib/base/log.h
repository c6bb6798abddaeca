// The daemon's log: spdlog, on standard error, in a form that systemd's journal reads.
#pragma once

#include <string_view>

#include <spdlog/spdlog.h>

#include "base/result.h"

namespace aribus {

// Sends the log to standard error at `level`: trace, debug, info, warning, error or off.
// Under systemd (JOURNAL_STREAM is set) lines carry a priority prefix (sd-daemon(3)) and no time of their
// own.
[[nodiscard]] Result<void> start_log(std::string_view level);

// Another level from now on. Required: it is one of those.
void set_log_level(std::string_view level);

}  // namespace aribus
