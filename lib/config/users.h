// Users and groups in a configuration.
#pragma once

#include <optional>
#include <string>

#include <sys/types.h>

#include "config/yaml_reader.h"

namespace aribus::config {

// The id of the user with that name, or with that id in digits; nothing if there is no such name. Asks the
// name service.
[[nodiscard]] std::optional<uid_t> find_user(const std::string& name);

// The id of the user or group that `value` names or gives in digits. Throws ConfigError if there is no such
// name. Asks the name service.
[[nodiscard]] uid_t user_id(const YamlValue& value);
[[nodiscard]] gid_t group_id(const YamlValue& value);

}  // namespace aribus::config
