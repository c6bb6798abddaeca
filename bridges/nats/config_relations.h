// How the parts of a configuration go together: each of them is right for itself.
#pragma once

#include "nats/config.h"

namespace aribus::nats {

// Finds parts that contradict each other, certificates that are none, passwords that travel in the clear, and
// limits that hardly serve. Looks into the files of certificates and credentials, and at nothing else of the
// machine. `root` is the whole file.
void check_relations(config::Reading& reading, const config::YamlValue& root, const Config& config);

}  // namespace aribus::nats
