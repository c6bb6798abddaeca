// Files that a configuration names, and its own.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/yaml_reader.h"

namespace aribus::config {

inline constexpr size_t max_file_bytes = 1 << 20;  // of a configuration

// The text of a configuration. Errors: it can't be read, or is larger than a configuration may be.
[[nodiscard]] Result<std::string> read_text(const std::string& file);

// A file for an error: by its name when it or its folder is there, for a password may stand in the place of
// one.
[[nodiscard]] std::string file_for_error(const std::string& file);

// Refuses a folder, a pipe or a device: reading one fails or never ends. Errors call it `shown_file`.
void expect_file(const std::string& file, const std::string& shown_file, const YamlValue& value);

// The path of a file that can be read.
[[nodiscard]] std::string read_file_name(const YamlValue& value);

// Warns, once a file, when everybody may read `file`, which holds a password.
void warn_if_readable(const std::string& file, std::vector<std::string>& warnings);

}  // namespace aribus::config
