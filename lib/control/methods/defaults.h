// What aribus does for single operations beyond forwarding them: ids, defaults, translations, honest
// refusals.
#pragma once

#include <vector>

#include "ari/schema.h"
#include "json/json.h"
#include "pbx/server.h"

namespace aribus::control {

// The parameters that the operation's method takes: those of ARI, with what aribus widens: `reason` of
// channels.hangup may be a number, `app` of channels.originate null. prepare() checks their values.
[[nodiscard]] std::vector<ari::Parameter> method_parameters(const ari::Operation& operation);

// Completes `params` in place, an object whose other parameters are checked:
// - an operation that makes something gets an id when the caller chose none, so that a request that timed out
// can be
//   found again;
// - channels.originate goes to the default application when neither `app` nor a place in the dialplan is
// given;
//   `app: null` means the dialplan; `context` gets extension "s" and priority 1;
// - channels.mute and channels.unmute mean both directions when they name none;
// - channels.hangup takes as `reason` ARI's names, Q.850's names and numbers, and sends what this Asterisk
// understands. Errors: invalid_params, too_old.
[[nodiscard]] Result<void> prepare(const ari::Operation& operation, Json& params,
                                   const pbx::Server& upstream);

// Calls the prepared operation, and explains those refusals to make a channel that mislead (see misleads()).
void call_explained(pbx::Server& upstream, const ari::Operation& operation, const JsonValue& params,
                    const Requester& requester, pbx::Reply reply);

// Has it found out what became of command `number` of the resolver, which was to make `id`, and completes the
// error that tells its caller that this is unknown: with the id, under `id_name`, and with the name under
// which it will be resolved. `made`: the thing is known to have been made.
[[nodiscard]] Error unresolved(pbx::Server& upstream, Error error, uint64_t number, std::string_view id_name,
                               std::string_view id, bool made = false);

// Both: what the method of an operation does.
void call_prepared(pbx::Server& upstream, const ari::Operation& operation, Json params,
                   const Requester& requester, const pbx::Reply& reply);

}  // namespace aribus::control
