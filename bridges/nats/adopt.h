// Takes over the stream of another installation.
#pragma once

#include <string>

#include "base/result.h"
#include "nats/config.h"

namespace aribus::nats {

// For a PBX that was moved to another machine, or whose state file was lost: makes its stream in NATS belong
// to the installation of `config.state_file`, which resumes after the last record in the stream. Creates the
// file if it does not exist. Returns what was done. Errors: system, malformed: the state file, or this user
// is not the one that aribus-nats runs as; invalid_params: there is no stream of aribus-nats; not_connected.
[[nodiscard]] Result<std::string> adopt(const Config& config);

}  // namespace aribus::nats
