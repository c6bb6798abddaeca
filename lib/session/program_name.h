// What a program is called.
#pragma once

#include <string>

#include <sys/types.h>

namespace aribus::session {

// The name of a process (/proc/PID/comm, which the process can change); "" when it can't be read, for example
// because the process has ended or is in another PID namespace.
[[nodiscard]] std::string program_of(pid_t process);

}  // namespace aribus::session
