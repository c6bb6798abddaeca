// Checks the parts of a configuration, each valid by itself, against each other.
#pragma once

#include "config/aribusd/reading.h"

namespace aribus::config {

// Finds applications, ports and paths that two parts use, times and sizes that are hardly useful, and files
// that are no certificates. Reads the certificates; otherwise it looks only at the machine's memory and at
// the folders of paths that it compares. `root` is the whole file.
void check_relations(DaemonReading& reading, const YamlValue& root, const Config& config);

}  // namespace aribus::config
