// The users who can read passwords, open the sockets and use the access rules.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

#include "cli/doctor/accounts.h"
#include "cli/doctor/report.h"

namespace aribus::cli {

// What is wrong with the rights of the configuration `file`, of the files that it names, and of the groups
// that it gives sockets and rules to: whoever reads a password can do all that aribusd can, whatever the
// rules say. `daemon` is the user that aribusd runs as. A file that is no YAML, or can't be read, has no
// sections here.
[[nodiscard]] std::vector<Finding> faults_of_rights(const std::string& file, const Accounts& accounts,
                                                    uid_t daemon);

// Reports them for this machine. `process` is aribusd's, or 0 when it is not known.
void examine_rights(Report& report, const std::string& file, pid_t process);

}  // namespace aribus::cli
