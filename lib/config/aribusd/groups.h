// The section `groups` of the configuration.
#pragma once

#include <vector>

#include "config/aribusd/reading.h"
#include "groups/settings.h"

namespace aribus::config {

// The worker groups. Mistakes are noted; what has no effect is a warning.
[[nodiscard]] std::vector<groups::Settings> read_groups(const YamlValue& value, DaemonReading& reading);

}  // namespace aribus::config
