// What the daemon does with a call of a worker group that nobody takes.
#pragma once

#include <functional>
#include <string>

#include "control/dispatcher.h"
#include "groups/settings.h"
#include "pbx/server.h"

namespace aribus::control {

// Sets the channel variable ARIBUS_FALLBACK to the group's name on the channels of the call that are in an
// application of the group, then does what `settings.fallback` says. A channel without a place in the
// dialplan, and one with which something fails, is hung up. Its commands are those of aribusd itself, also in
// the audit log. `failed` is called at the end if a channel could not be hung up, or there was no connection
// to Asterisk.
void run_fallback(Dispatcher& dispatcher, pbx::Server& server, const groups::Settings& settings,
                  const std::string& call, std::function<void()> failed);

}  // namespace aribus::control
