// Finds the mistakes in the text of a YAML file that its values do not show, and explains why it is no YAML.
#pragma once

#include <string>
#include <string_view>

#include <yaml-cpp/yaml.h>

#include "config/yaml_reader.h"

namespace aribus::config {

// Adds the mistakes in `text`, which yaml-cpp could read: a second document, or a quote that is not closed
// (everything behind it then belongs to it). `file` is its name in the faults. Returns false if the values
// are not the intended ones. Throws YAML::Exception.
[[nodiscard]] bool check_yaml_text(const std::string& text, const std::string& file, ConfigFaults& faults);

// Adds what is wrong with `text`, which yaml-cpp could not read because of `error`. No fault shows a value of
// the file, as it may be a password.
void explain_yaml_error(const std::string& text, const std::string& file, const YAML::Exception& error,
                        ConfigFaults& faults);

// Whether the plain value at `mark` ends at a "#" with a blank in front of it and none behind it: for YAML a
// comment begins there, but the text may have been meant as part of the value.
[[nodiscard]] bool is_cut_by_comment(const std::string& text, const YAML::Mark& mark, std::string_view value);

}  // namespace aribus::config
