// Checks how the parts of a configuration, each of them valid, fit together.
#pragma once

#include "nats/config.h"

namespace aribus::nats {

// Finds contradicting settings, invalid certificates, passwords sent unencrypted, and limits that are too
// small. Reads the certificate and credentials files, and nothing else of the machine. `root` is the whole
// file.
void check_relations(config::Reading& reading, const config::YamlValue& root, const Config& config);

}  // namespace aribus::nats
