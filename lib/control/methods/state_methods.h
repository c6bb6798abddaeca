// The methods that list live objects: state.channels, state.bridges, ….
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "control/method.h"
#include "json/json.h"
#include "record/id_set.h"

namespace aribus::control {

// Answers the state method of a kind, see live_objects() in live_snapshot.h.
using LiveObjects = std::function<Result<pbx::ResultText>(record::IdKind kind, const JsonValue& params,
                                                          const Caller& caller)>;

// state.channels, state.bridges, state.playbacks, state.recordings, state.endpoints and state.devices. They
// are answered from the daemon's memory, without a request to Asterisk.
[[nodiscard]] std::vector<Method> state_methods(const LiveObjects& live_objects);

// "state.channels", ….
[[nodiscard]] std::string_view state_method_name(record::IdKind kind);

// The JSON Schema of a snapshot: an object with a list for each kind.
[[nodiscard]] std::string snapshot_schema();
// That of call_snapshot() (live_snapshot.h).
[[nodiscard]] std::string call_snapshot_schema();

}  // namespace aribus::control
