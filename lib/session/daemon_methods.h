// The methods that the daemon answers itself, whatever the state of the Asterisks.
#pragma once

#include <functional>
#include <string>

#include "control/dispatcher.h"
#include "session/results.h"

namespace aribus::session {

// What only the running daemon knows.
struct DaemonAnswers {
  std::function<void(pbx::Reply)> reload = {};  // replies with a Reloaded
  std::function<Hello(const control::Caller& caller)> hello;
  std::function<Status()> status;
  std::function<Clients()> clients = {};
  std::function<std::string()> cursor;  // the end of the stream, as its text
};

// Adds daemon.clients, daemon.reload, hello, ping, reclaim, rpc.discover, the methods of state, status,
// subscribe and unsubscribe.
void add_daemon_methods(control::Dispatcher& dispatcher, DaemonAnswers answers);

}  // namespace aribus::session
