// The daemon's configuration: one file of YAML, read into one checked struct.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "config/reading.h"
#include "control/audit.h"
#include "groups/settings.h"
#include "net/unix_socket.h"
#include "pbx/server_options.h"
#include "service/http_listener.h"
#include "session/sessions.h"

namespace aribus::config {

// One Asterisk.
using AsteriskConfig = pbx::ServerOptions;

// All settings with their defaults; docs/configuration.md explains them.
struct Config {
  std::vector<AsteriskConfig> asterisk;
  std::vector<SocketOptions> sockets;
  std::optional<SocketOptions> web;
  session::SessionsOptions sessions;
  std::vector<groups::Settings> groups;
  bus::RecordLogOptions bus;
  std::optional<service::HttpOptions> metrics;
  Milliseconds drain_timeout{5000};
  std::string log_level = "info";
  control::AuditOptions audit;
  std::string file;                   // that it was read from
  WallTime read{};                    // when its reading began: it may lack later changes
  std::vector<std::string> files;     // read with it: passwords, certificates and keys
  std::vector<std::string> warnings;  // what is allowed but unwise
};

// Reads and checks `file`, and the passwords, users and groups that it refers to. Asks the name service,
// which may take long. Errors: invalid_params, with a line "file:line:column: key: cause and cure" for each
// mistake in the order of their places (for a check, followed by the warnings) and the data of
// ConfigFaults::error(); system.
[[nodiscard]] Result<Config> load_config(const std::string& file, Purpose purpose = Purpose::start);
// The same for the text of a file.
[[nodiscard]] Result<Config> parse_config(const std::string& text, const std::string& file,
                                          Purpose purpose = Purpose::start);
// What is usable of a file that may have mistakes: the sockets, and the Asterisks whose url is known, with
// everything else of them that is right. Empty if it can't be read at all.
[[nodiscard]] Config load_usable(const std::string& file);

}  // namespace aribus::config
