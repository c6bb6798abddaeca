// A configuration that is being read: where what is found goes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "daemon/config.h"
#include "daemon/yaml_reader.h"

namespace aribus::daemon {

struct Reading {
  const std::string& file;
  const std::string& text;  // that is in it
  Purpose purpose = Purpose::start;
  std::vector<std::string> warnings{};  // what is allowed and doubtful
  std::vector<std::string> files{};     // Config::files
  // Where Config's lists come from, one for each element. No sockets: the default one.
  std::vector<YamlValue> asterisk{};
  std::vector<YamlValue> sockets{};

  // Notes what is doubtful about `value`.
  void warn(const YamlValue& value, const std::string& message) {
    warnings.push_back(value.fault(message).text());
  }
  // Notes what can't work, and does not keep the rest from working: for a check it is a mistake, and the
  // daemon starts with a warning, as everything else would stand still with it.
  void cannot_work(const YamlValue& value, const std::string& message) {
    if (purpose == Purpose::start) return warn(value, message);
    note(value, message);
  }
  // Notes a mistake.
  static void note(const YamlValue& value, const std::string& message) {
    value.attempt([&] { value.fail(message); });
  }
};

}  // namespace aribus::daemon
