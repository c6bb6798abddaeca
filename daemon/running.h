// The daemons that run on this machine.
#pragma once

#include <vector>

#include "config/running.h"

namespace aribus::daemon {

using RunningDaemon = config::RunningProgram;

// All processes named aribusd that this user can see.
[[nodiscard]] inline std::vector<RunningDaemon> running_daemons() {
  return config::running_programs("aribusd", ARIBUS_CONFIG_DIR "/aribusd.yaml");
}

}  // namespace aribus::daemon
