// What lives on the Asterisks, from memory.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/json.h"
#include "control/dispatcher.h"
#include "control/method.h"

namespace aribus::control {

// Everything that `rule` lets be seen, as a JSON object with a list for each kind whose method
// (state.channels, …) it allows: {"channels":[…],"bridges":[…],…}. `servers`: of these alone; none: of all.
[[nodiscard]] std::string live_snapshot(const Dispatcher& dispatcher, const std::vector<std::string>& servers,
                                        const AccessRule& rule);

// state.channels, state.bridges, state.playbacks, state.recordings, state.endpoints and state.devices.
// `cursor` gives the end of the stream, as JSON text.
[[nodiscard]] std::vector<Method> state_methods(const Dispatcher& dispatcher,
                                                std::function<std::string()> cursor);

// The JSON Schema of a snapshot's members.
[[nodiscard]] std::string snapshot_schema();

}  // namespace aribus::control
