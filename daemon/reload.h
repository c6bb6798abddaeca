// The result of reloading the configuration.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "config/aribusd/config.h"
#include "session/results.h"

namespace aribus::daemon {

struct Reload {
  bool applied = true;
  std::vector<std::string> changed = {};   // what applies from now on, a sentence each
  std::vector<std::string> restart = {};   // keys that were changed, too, and apply after a restart
  std::vector<std::string> warnings = {};  // as config::Config::warnings
  Error error = {};                        // set if nothing was applied

  // The result of daemon.reload.
  [[nodiscard]] session::Reloaded result() const;
  void log() const;
};

// The keys whose change needs a restart.
[[nodiscard]] std::vector<std::string> needs_restart(const config::Config& now, const config::Config& next);

// Whether no socket's path moves between `sockets`, `web` and `metrics`: it can't be opened for one while
// another listens there. Errors: invalid_params, with the first that does.
[[nodiscard]] Result<void> check_moves(const config::Config& now, const config::Config& next);

}  // namespace aribus::daemon
