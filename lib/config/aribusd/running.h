// The daemons that run on this machine.
#pragma once

#include <vector>

#include "config/running.h"

namespace aribus::config {

using RunningDaemon = RunningProgram;

// All processes named aribusd that this user can see.
[[nodiscard]] inline std::vector<RunningDaemon> running_daemons() {
  return running_programs("aribusd", ARIBUS_CONFIG_DIR "/aribusd.yaml");
}

}  // namespace aribus::config
