// The state of reading a configuration of the daemon.
#pragma once

#include <vector>

#include "config/aribusd/config.h"
#include "config/reading.h"

namespace aribus::config {

struct DaemonReading : Reading {
  // Where Config's lists come from, one for each element. No sockets: the default one.
  std::vector<YamlValue> asterisk{};
  std::vector<YamlValue> sockets{};
  std::vector<YamlValue> groups{};
};

}  // namespace aribus::config
