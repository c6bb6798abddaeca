// Files of a configuration: its own and those that it names.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/yaml_reader.h"

namespace aribus::config {

inline constexpr size_t max_file_bytes = 1 << 20;  // of a configuration

// The text of a configuration. Errors: it can't be read, or is larger than max_file_bytes.
[[nodiscard]] Result<std::string> read_text(const std::string& file);

// How an error names a file: by its name only if it or its folder exists, because it may be a password that
// was written in the wrong place.
[[nodiscard]] std::string file_for_error(const std::string& file);

// Throws ConfigError for a folder, a pipe or a device: reading one fails or never ends. Errors call it
// `shown_file`.
void expect_file(const std::string& file, const std::string& shown_file, const YamlValue& value);

// The path of a file that can be read; throws ConfigError if it can't.
[[nodiscard]] std::string read_file_name(const YamlValue& value);

// Warns, once for each file, if everybody may read `file`, which holds a password.
void warn_if_readable(const std::string& file, std::vector<std::string>& warnings);

}  // namespace aribus::config
