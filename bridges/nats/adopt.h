// Taking over a stream of another installation.
#pragma once

#include <string>

#include "base/result.h"
#include "nats/config.h"

namespace aribus::nats {

// For a PBX that was moved to another machine, or whose state file was lost: its stream in NATS belongs to
// the installation of `config.state_file` from now on, which goes on behind the last record that the stream
// holds. The file is made where there is none. Says what was done. Errors: system, malformed: the state
// file's, or this user is not the one that aribus-nats runs as; invalid_params: there is no stream of
// aribus-nats; not_connected.
[[nodiscard]] Result<std::string> adopt(const Config& config);

}  // namespace aribus::nats
