// What a configuration of the daemon needs of the machine that it is checked on.
#pragma once

#include <string>
#include <vector>

#include "config/aribusd/reading.h"
#include "config/machine.h"

namespace aribus::config {

// How the daemon is run here, with what its units below `systemd` add.
[[nodiscard]] Machine this_machine(const std::vector<std::string>& systemd = unit_folders());

// Notes what the daemon would miss when it started now, as MachineCheck, and room on the disk.
void check_machine(DaemonReading& reading, const YamlValue& root, const Config& config,
                   const Machine& machine = this_machine());

}  // namespace aribus::config
