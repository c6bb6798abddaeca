// The configuration of aribus-nats: one file of YAML, read into one checked struct.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "config/reading.h"
#include "nats/jetstream.h"
#include "nats/records.h"
#include "service/http_listener.h"

namespace aribus::nats {

// Every knob there is, with its default; docs/nats-configuration.md explains them.
struct Config {
  std::string name;  // of the PBX: a token of subjects
  RecordsOptions records;
  std::string state_file = "/var/lib/aribus-nats/state.json";
  NatsOptions nats;
  StreamOptions stream;                                      // without its owner, which the state file knows
  std::vector<std::pair<std::string, std::string>> rules{};  // name and path of the socket, in their order
  std::optional<service::HttpOptions> metrics{};
  std::string log_level = "info";
  std::vector<std::string> warnings{};  // what is allowed and unwise
};

// Reads and checks `file`, and the files of passwords and certificates that it refers to. A check looks at
// what the machine has as well (config_machine.h), which takes a few seconds where nothing answers. Errors:
// invalid_params, with a line "file:line:column: key: cause and cure" for each mistake in the order of their
// places, for a check with the warnings behind them; system.
[[nodiscard]] Result<Config> load_config(const std::string& file, config::Purpose purpose);
// The same of what is in `file`.
[[nodiscard]] Result<Config> parse_config(const std::string& text, const std::string& file,
                                          config::Purpose purpose);

}  // namespace aribus::nats
