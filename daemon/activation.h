// The sockets that systemd opened for the daemon (aribusd.socket, sd_listen_fds(3)).
#pragma once

#include <map>
#include <string>

#include "base/fd.h"

namespace aribus::daemon {

// The listening Unix sockets among the descriptors that $LISTEN_FDS counts from `first` on, by their path;
// others are closed and named in the log. Takes them: a second call returns none, and child processes don't
// see them.
[[nodiscard]] std::map<std::string, Fd> inherited_sockets(int first = 3);

}  // namespace aribus::daemon
