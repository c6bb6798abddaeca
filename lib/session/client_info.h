// What daemon.clients and the log say about connected programs.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"
#include "control/access_rule.h"
#include "session/results.h"

namespace aribus::session {

// One connection, open or ended.
struct ClientInfo {
  control::Caller caller;
  WallTime since;
  uint64_t requests = 0;          // received
  bool has_changed = false;       // it sent a command that changes something on an Asterisk
  uint64_t pending = 0;           // commands under way
  std::string subscription = {};  // Subscription::filter_text(); "" when there is none
  uint64_t sent = 0;              // records
  uint64_t behind = 0;            // records that it has not passed yet
  uint64_t lost = 0;              // records, reported to it or not
};

// What the program is called in the log: "python3 (pid 4711, user alice)".
[[nodiscard]] std::string name_of(const control::Caller& caller);

// What daemon.clients shows of every connection, present or not.
[[nodiscard]] ShownClient shown(const ClientInfo& info);

}  // namespace aribus::session
