// Names of Stasis applications.
#pragma once

#include <string>
#include <vector>

#include "config/reading.h"

namespace aribus::config {

// The name of one application. Throws ConfigError.
[[nodiscard]] std::string read_app(const YamlValue& value);

// A list of them, with at least one; one that is listed twice counts once, with a warning.
[[nodiscard]] std::vector<std::string> read_apps(const YamlValue& value, Reading& reading);

// Blanks at either end of a name are easily overlooked, but count.
void warn_of_blanks(const YamlValue& value, const std::string& name, Reading& reading);

}  // namespace aribus::config
