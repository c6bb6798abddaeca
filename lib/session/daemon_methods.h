// The methods that the daemon answers itself, whatever the state of the Asterisks.
#pragma once

#include <functional>
#include <string>

#include "control/method_table.h"
#include "control/methods/state_methods.h"
#include "groups/groups.h"
#include "session/results.h"
#include "session/subscription_methods.h"

namespace aribus::session {

// What only the running daemon knows.
struct DaemonAnswers {
  std::function<void(pbx::Reply)> reload = {};  // replies with a Reloaded
  std::function<Hello(const control::Caller& caller)> hello;
  std::function<Status()> status;
  std::function<Clients()> clients = {};
  std::function<const groups::Groups&()> groups = {};  // none: there are no groups
  control::LiveObjects live_objects = {};              // of the methods state.*
  FindSession session = {};                            // for subscribe and unsubscribe
};

// Adds daemon.clients, daemon.reload, hello, ping, reclaim, rpc.discover, which describes all of `table`, and
// status.
void add_daemon_methods(control::MethodTable& table, DaemonAnswers answers);

}  // namespace aribus::session
