// On whose behalf a command runs.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "control/peer.h"

namespace aribus::control {

struct AccessRule;

// The number of a principal: quotas, idempotency keys and fair shares go by it. A Unix user has its uid;
// principals of other kinds, which front-ends authenticate otherwise, have numbers from 2^32 on.
using PrincipalId = uint64_t;

// Who a client is, and what it may do.
struct Principal {
  PrincipalId id = 0;
  std::string name = {};  // for people: of a Unix user its name, or "" while it is not known
  std::shared_ptr<const AccessRule> rule = {};
};

// One connection of a principal.
struct Caller {
  Principal principal;
  Peer peer = {};
  uint64_t connection = 0;   // its number; 0: the command does not depend on a connection
  std::string program = {};  // the process's name when it connected (/proc/PID/comm), or ""
};

}  // namespace aribus::control
