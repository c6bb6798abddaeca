// A configuration of the daemon that is being read: where what is found goes.
#pragma once

#include <vector>

#include "config/reading.h"
#include "daemon/config.h"

namespace aribus::daemon {

using config::ConfigError;
using config::ConfigFaults;
using config::shown;
using config::YamlMap;
using config::YamlValue;

struct Reading : config::Reading {
  // Where Config's lists come from, one for each element. No sockets: the default one.
  std::vector<YamlValue> asterisk{};
  std::vector<YamlValue> sockets{};
};

}  // namespace aribus::daemon
