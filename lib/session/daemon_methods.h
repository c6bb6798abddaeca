// The methods that the daemon answers itself, whatever the state of the Asterisks.
#pragma once

#include <functional>
#include <string>

#include "control/dispatcher.h"

namespace aribus::session {

// What only the running daemon knows, as JSON text.
struct DaemonAnswers {
  std::function<void(pbx::Reply)> reload = {};
  std::function<std::string(const control::Caller& caller)> hello;
  std::function<std::string()> status;
  std::function<std::string()> clients = {};
  std::function<std::string()> cursor;  // the end of the stream, as its text
};

// Adds daemon.clients, daemon.reload, hello, ping, reclaim, rpc.discover, the methods of state, status,
// subscribe and unsubscribe.
void add_daemon_methods(control::Dispatcher& dispatcher, DaemonAnswers answers);

}  // namespace aribus::session
