// What a configuration needs of the machine that it is checked on.
#pragma once

#include <string>
#include <vector>

#include "config/machine.h"
#include "nats/config.h"

namespace aribus::nats {

// How aribus-nats is run here, with what its unit below `systemd` adds.
[[nodiscard]] config::Machine this_machine(const std::vector<std::string>& systemd = config::unit_folders());

// Notes what aribus-nats would miss when it started now: rights, sockets of aribusd, what aribusd says about
// the rules and types, hosts that have no address; and warns when NATS does not let it in. Changes nothing.
// Takes up to 5 s for each socket and server that does not answer, and the name server's time.
void check_machine(config::Reading& reading, const config::YamlValue& root, const Config& config,
                   const config::Machine& machine = this_machine());

}  // namespace aribus::nats
