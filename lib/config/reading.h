// The state of reading a configuration: its text, its warnings and the files that it names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/yaml_reader.h"

namespace aribus::config {

// What a configuration is read for.
enum class Purpose {
  start,  // by the program: what can't work, but affects nothing else, is a warning
  check   // by people: that is a mistake, and so is what this machine lacks
};

// Begins each line of a check's error that is a warning.
inline constexpr std::string_view warning_mark = "warning: ";

struct Reading {
  const std::string& file;
  const std::string& text;  // its content
  Purpose purpose = Purpose::start;
  std::vector<std::string> warnings{};  // what is allowed but doubtful
  std::vector<std::string> files{};     // password files that were read with it

  // Notes a doubt about `value`.
  void warn(const YamlValue& value, const std::string& message) {
    warnings.push_back(value.fault(message).text());
  }
  // Notes what can't work but affects nothing else. For a check it is a mistake; the program starts with a
  // warning, because a refusal to start would stop everything else, too.
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
