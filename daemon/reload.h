// What reading the configuration anew came to.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "config/aribusd/config.h"
#include "session/results.h"

namespace aribus::daemon {

struct Reload {
  bool applied = true;
  std::vector<std::string> changed = {};   // what counts from now on, a sentence each
  std::vector<std::string> restart = {};   // keys that were changed, too, and count after a restart
  std::vector<std::string> warnings = {};  // as config::Config::warnings
  Error error = {};                        // when nothing was applied

  // The result of daemon.reload.
  [[nodiscard]] session::Reloaded result() const;
  void log() const;
};

// The keys whose change takes a restart.
[[nodiscard]] std::vector<std::string> needs_restart(const config::Config& now, const config::Config& next);

}  // namespace aribus::daemon
