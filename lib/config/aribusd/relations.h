// How the parts of a configuration go together: each of them is right for itself.
#pragma once

#include "config/aribusd/reading.h"

namespace aribus::config {

// Finds applications, ports and paths that two of its parts want, times and sizes that hardly serve, and
// certificates that are none. Looks into the files of certificates, and at nothing else of the machine but
// its memory and the folders of paths that it compares. `root` is the whole file.
void check_relations(DaemonReading& reading, const YamlValue& root, const Config& config);

}  // namespace aribus::config
