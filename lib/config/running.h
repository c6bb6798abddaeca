// Programs that run on this machine with a configuration.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

namespace aribus::config {

struct RunningProgram {
  pid_t pid = 0;
  uid_t user = 0;
  std::string configuration;  // the file that it was started with

  // Whether that is `file`.
  [[nodiscard]] bool reads(const std::string& file) const;
};

// All processes with that name that this user can see. `default_config` is what they read without --config.
[[nodiscard]] std::vector<RunningProgram> running_programs(const std::string& program,
                                                           const std::string& default_config);

}  // namespace aribus::config
