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

// All settings with their defaults; see docs/nats-configuration.md.
struct Config {
  std::string name;  // of the PBX: a token of subjects
  RecordsOptions records;
  std::string state_file = "/var/lib/aribus-nats/state.json";
  NatsOptions nats;
  StreamOptions stream;                                      // without `owner`, which is in the state file
  std::vector<std::pair<std::string, std::string>> rules{};  // name and socket path, in the file's order
  std::optional<service::HttpOptions> metrics{};
  std::string log_level = "info";
  std::vector<std::string> warnings{};  // settings that are allowed but unwise
};

// Reads and checks `file`, and the files of passwords and certificates that it refers to. Purpose::check also
// checks the machine (config_machine.h), which takes a few seconds if a server does not answer. Errors:
// invalid_params, with a line "file:line:column: key: cause and cure" for each mistake in the order of the
// file, and for a check followed by the warnings; system.
[[nodiscard]] Result<Config> load_config(const std::string& file, config::Purpose purpose);
// The same for `text`, the content of `file`.
[[nodiscard]] Result<Config> parse_config(const std::string& text, const std::string& file,
                                          config::Purpose purpose);

}  // namespace aribus::nats
