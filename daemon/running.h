// The daemons that run on this machine.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

namespace aribus::daemon {

struct RunningDaemon {
  pid_t pid = 0;
  uid_t user = 0;
  std::string configuration;  // the file that it was started with

  // Whether that is `file`.
  [[nodiscard]] bool reads(const std::string& file) const;
};

// All processes named aribusd that this user can see.
[[nodiscard]] std::vector<RunningDaemon> running_daemons();

}  // namespace aribus::daemon
