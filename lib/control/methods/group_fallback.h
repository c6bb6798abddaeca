// What the daemon does with a call of a worker group that nobody takes.
#pragma once

#include <functional>
#include <string>

#include "control/dispatcher.h"
#include "groups/settings.h"
#include "pbx/server.h"

namespace aribus::control {

// Sets the channel variable ARIBUS_FALLBACK to the group's name on the channels of the call that are in an
// application of the group, then does what `settings.fallback` says. A channel without a place in the dialplan,
// and one with which something fails, is hung up; where that fails, too, `again` is called, for each channel. Its
// commands are those of aribusd itself, also in the audit log.
void run_fallback(Dispatcher& dispatcher, pbx::Server& server, const groups::Settings& settings,
                  const std::string& call, const std::function<void()>& again);

}  // namespace aribus::control
