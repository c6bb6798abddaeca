// Checks a configuration of the daemon against the machine that it is for.
#pragma once

#include <string>
#include <vector>

#include "config/aribusd/reading.h"
#include "config/machine.h"

namespace aribus::config {

// How the daemon is run on this machine, with what its units in `systemd` add.
[[nodiscard]] Machine this_machine(const std::vector<std::string>& systemd = unit_folders());

// Notes what the daemon would lack if it started now, as MachineCheck does, and room on the disk.
void check_machine(DaemonReading& reading, const YamlValue& root, const Config& config,
                   const Machine& machine = this_machine());

}  // namespace aribus::config
