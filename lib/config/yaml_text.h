// What the text of a YAML file shows that its values do not: where it is no YAML, and why.
#pragma once

#include <string>
#include <string_view>

#include <yaml-cpp/yaml.h>

#include "config/yaml_reader.h"

namespace aribus::config {

// Adds what is wrong with `text`, which yaml-cpp has read: a second document, a quote that is not closed
// (then all that follows the quote is its text). `file` is its name for the faults. False: its values are not
// those that were meant. Throws YAML::Exception.
[[nodiscard]] bool check_yaml_text(const std::string& text, const std::string& file, ConfigFaults& faults);

// What is wrong with `text`, which yaml-cpp could not read because of `error`. A fault shows no value of the
// file, which may be a password.
void explain_yaml_error(const std::string& text, const std::string& file, const YAML::Exception& error,
                        ConfigFaults& faults);

// Whether the plain value at `mark` ends at a "#" that a blank is in front of and no blank behind: YAML takes
// " #x" for a comment, and it may well have been meant as part of the value.
[[nodiscard]] bool is_cut_by_comment(const std::string& text, const YAML::Mark& mark, std::string_view value);

}  // namespace aribus::config
