// Checks a configuration against the machine.
#pragma once

#include <string>
#include <vector>

#include "config/machine.h"
#include "nats/config.h"

namespace aribus::nats {

// The user, folders and files that aribus-nats runs with here, including those of its systemd unit.
[[nodiscard]] config::Machine this_machine(const std::vector<std::string>& systemd = config::unit_folders());

// Notes what would keep aribus-nats from working if it started now: missing rights or sockets of aribusd,
// rules and types that aribusd refuses, hosts without an address; warns when NATS refuses the connection.
// Changes nothing. Takes up to 5 s for each socket and server that does not answer, plus name lookups.
void check_machine(config::Reading& reading, const config::YamlValue& root, const Config& config,
                   const config::Machine& machine = this_machine());

}  // namespace aribus::nats
