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
#include "frontend/unix/server.h"
#include "pbx/server_options.h"
#include "service/http_listener.h"

namespace aribus::config {

// One Asterisk.
using AsteriskConfig = pbx::ServerOptions;

// Every knob there is, with its default; docs/configuration.md explains them.
struct Config {
  std::vector<AsteriskConfig> asterisk;
  frontend::ServerOptions ipc;
  bus::RecordLogOptions bus;
  std::optional<service::HttpOptions> metrics;
  Milliseconds drain_timeout{5000};
  std::string log_level = "info";
  control::AuditOptions audit;
  std::string file;                   // that it was read from
  WallTime read{};                    // when its reading began: what was changed later may not be in it
  std::vector<std::string> files;     // that were read with it: of passwords, certificates and keys
  std::vector<std::string> warnings;  // what is allowed and unwise
};

// Reads and checks `file`, and the passwords, users and groups that it refers to. Asks the name service,
// which may take long. Errors: invalid_params, with a line "file:line:column: key: cause and cure" for each
// mistake in the order of their places, for a check with the warnings behind them, and as
// ConfigFaults::error() says; system.
[[nodiscard]] Result<Config> load_config(const std::string& file, Purpose purpose = Purpose::start);
// The same of what is in `file`.
[[nodiscard]] Result<Config> parse_config(const std::string& text, const std::string& file,
                                          Purpose purpose = Purpose::start);
// What can be used of a file that may have mistakes: the sockets, and the Asterisks of which the url is
// known, with whatever else of them is right. Nothing when it can't be read at all.
[[nodiscard]] Config load_usable(const std::string& file);

}  // namespace aribus::config
