// What a configuration of the daemon needs of the machine that it is checked on.
#pragma once

#include <string>
#include <vector>

#include "config/machine.h"
#include "daemon/config_reading.h"

namespace aribus::daemon {

// How the daemon is run here, with what its units below `systemd` add.
[[nodiscard]] config::Machine this_machine(const std::vector<std::string>& systemd = config::unit_folders());

// Notes what the daemon would miss when it started now, as config::MachineCheck, and room on the disk.
void check_machine(Reading& reading, const YamlValue& root, const Config& config,
                   const config::Machine& machine = this_machine());

}  // namespace aribus::daemon
