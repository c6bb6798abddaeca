// Defaults that aribus adds to the parameters of ARI's operations.
#pragma once

#include <vector>

#include "ari/schema.h"
#include "base/result.h"
#include "json/json.h"
#include "pbx/server.h"

namespace aribus::control {

// The parameters that the operation's method takes: ARI's, of which aribus widens two: `reason` of
// channels.hangup may be a number, `app` of channels.originate may be null.
[[nodiscard]] std::vector<ari::Parameter> method_parameters(const ari::Operation& operation);

// The error for a `call` that is no live one.
[[nodiscard]] Error no_such_call(const pbx::Server& server, const JsonValue& call);

// Completes `params`, an object that check_params() has accepted, in place:
//
// - channels.originate without `app` and without a place in the dialplan gets the server's default
// application.
//   `app: null` means the dialplan. A place in the dialplan gets extension "s" and priority 1 where they are
//   missing.
// - channels.mute and channels.unmute without `direction` get "both".
// - channels.hangup gets its reason in a form that this Asterisk understands (hangup_reason.h).
//
// Ids of new objects are generated before (Dispatcher::call).
// Errors: invalid_params, also for an empty id and variables that are no strings; too_old.
[[nodiscard]] Result<void> prepare(const ari::Operation& operation, Json& params, const pbx::Server& server);

}  // namespace aribus::control
