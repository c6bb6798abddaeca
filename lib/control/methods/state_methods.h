// What lives on the Asterisks, from memory.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "control/dispatcher.h"
#include "control/method.h"
#include "json/json.h"

namespace aribus::control {

// All live objects visible under `rule`, as a JSON object with a list for each kind whose method
// (state.channels, …) it allows: {"channels":[…],"bridges":[…],…}. `servers`: of these alone; none: of all.
// `cursor` is the end of the stream: all who ask at the same one for the same share the text.
[[nodiscard]] std::shared_ptr<const std::string> live_snapshot(const Dispatcher& dispatcher,
                                                               const std::string& cursor,
                                                               const std::vector<std::string>& servers,
                                                               const AccessRule& rule);

// Whether a record without an application may name this thing to a program bound by `rule`: it is visible,
// or records of one of the rule's applications have told of it.
[[nodiscard]] bool sees_id(const Dispatcher& dispatcher, std::string_view server, record::IdKind kind,
                           std::string_view id, const AccessRule& rule);

// state.channels, state.bridges, state.playbacks, state.recordings, state.endpoints and state.devices.
// `cursor` gives the end of the stream, as JSON text.
[[nodiscard]] std::vector<Method> state_methods(const Dispatcher& dispatcher,
                                                std::function<std::string()> cursor);

// The JSON Schema of a snapshot's members.
[[nodiscard]] std::string snapshot_schema();

}  // namespace aribus::control
