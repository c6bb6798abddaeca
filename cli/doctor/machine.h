// What `aribus doctor` reads about this machine.
#pragma once

#include <map>
#include <string>

#include <sys/types.h>

namespace aribus::cli {

// Whether a process of that name is seen to run.
[[nodiscard]] bool runs_here(const std::string& name);
// Whether the host, a name or an address, is this machine. Looks names up.
[[nodiscard]] bool is_this_machine(const std::string& host);

// A process with connections to a port.
struct Connected {
  std::string name;
  int connections = 0;
};
// Who on this machine is connected to a TCP port, here or elsewhere, by process. Without root: only the
// processes of this user are seen.
[[nodiscard]] std::map<pid_t, Connected> connected_to(int port);

}  // namespace aribus::cli
