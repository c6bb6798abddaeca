#include "config/values.h"

#include <algorithm>
#include <iterator>

#include "base/log.h"
#include "base/numbers.h"
#include "base/suggest.h"
#include "config/users.h"
#include "net/numeric_address.h"

namespace aribus::config {
namespace {

// "127.0.0.1:9464", "[::1]:9464"
void read_address(const YamlValue& value, service::HttpOptions& http) {
  const std::string text = value.string();
  const size_t colon = text.rfind(':');
  std::string address = text.substr(0, colon);
  if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
  const int port = colon == std::string::npos
                       ? 0
                       : whole_number<int>(std::string_view(text).substr(colon + 1)).value_or(0);
  const bool is_port = port > 0 && port < 65536;
  if (!is_port || !is_numeric_address(address)) {
    value.fail("an address in figures and a port are expected, as 127.0.0.1:9464 or \"[::1]:9464\", not '" +
               text + "'");
  }
  if (!is_loopback(address)) {
    value.fail(
        "a loopback address is expected, as nobody has to log in there; a proxy with TLS can carry it "
        "further");
  }
  http.address = address;
  http.port = port;
}

}  // namespace

std::string read_socket_path(const YamlValue& value) {
  std::string path = value.string();
  if (path.size() > max_socket_path_bytes) {
    value.fail("a path of at most " + std::to_string(max_socket_path_bytes) +
               " bytes is expected, not one of " + std::to_string(path.size()));
  }
  return path;
}

void read_socket_rights(YamlMap& map, SocketOptions& socket) {
  map.optional("mode", [&](const YamlValue& v) { socket.mode = v.mode(); });
  map.optional("owner", [&](const YamlValue& v) { socket.owner = user_id(v); });
  map.optional("group", [&](const YamlValue& v) { socket.group = group_id(v); });
}

service::HttpOptions read_metrics(const YamlValue& value) {
  service::HttpOptions http;
  YamlMap map(value);
  map.optional("listen", [&](const YamlValue& v) { read_address(v, http); });
  map.optional("path", [&](const YamlValue& v) { http.socket.path = read_socket_path(v); });
  read_socket_rights(map, http.socket);
  map.finish();
  if (map.has("listen") == map.has("path")) value.fail("one of listen and path is expected");
  return http;
}

std::string read_log_level(const YamlValue& value) {
  std::string level = value.string();
  if (std::ranges::find(log_levels, level) == std::end(log_levels)) {
    value.fail("one of " + join(log_levels) + " is expected, not '" + shown(level) + "'" +
               did_you_mean(level, log_levels));
  }
  return level;
}

}  // namespace aribus::config
