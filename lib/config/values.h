// Values that the configurations of several programs have.
#pragma once

#include <string>

#include "config/yaml_reader.h"
#include "net/unix_socket.h"
#include "service/http_listener.h"

namespace aribus::config {

// The path of a Unix socket. Throws ConfigError when it is too long.
[[nodiscard]] std::string read_socket_path(const YamlValue& value);

// Reads `mode`, `owner` and `group` of a socket to be made.
void read_socket_rights(YamlMap& map, SocketOptions& socket);

// The section `metrics`.
[[nodiscard]] service::HttpOptions read_metrics(const YamlValue& value);

// `logging.level`: one of those of start_log().
[[nodiscard]] std::string read_log_level(const YamlValue& value);

}  // namespace aribus::config
