// A configuration that is being read: where what is found goes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/yaml_reader.h"

namespace aribus::config {

// What a configuration is read for.
enum class Purpose {
  start,  // by the program: what can't work and keeps nothing else from working is a warning
  check   // by people: that is a mistake, and so is what this machine lacks
};

// Begins the lines of a check's error that are warnings.
inline constexpr std::string_view warning_mark = "warning: ";

struct Reading {
  const std::string& file;
  const std::string& text;  // that is in it
  Purpose purpose = Purpose::start;
  std::vector<std::string> warnings{};  // what is allowed and doubtful
  std::vector<std::string> files{};     // that were read with it: of passwords

  // Notes what is doubtful about `value`.
  void warn(const YamlValue& value, const std::string& message) {
    warnings.push_back(value.fault(message).text());
  }
  // Notes what can't work, and does not keep the rest from working: for a check it is a mistake, and the
  // program starts with a warning, as everything else would stand still with it.
  void cannot_work(const YamlValue& value, const std::string& message) {
    if (purpose == Purpose::start) return warn(value, message);
    note(value, message);
  }
  // Notes a mistake.
  static void note(const YamlValue& value, const std::string& message) {
    value.attempt([&] { value.fail(message); });
  }
};

}  // namespace aribus::config
