// Hangup reasons.
#pragma once

#include "base/result.h"
#include "json/json.h"
#include "pbx/server.h"

namespace aribus::control {

// Replaces `reason` or `reason_code` of channels.hangup (a reason of ARI, a name of Q.850, or a number of
// Q.850, 1 to 127) by what the Asterisk of `server` understands: ARI's word in `reason` if there is one,
// else the number in `reason_code`. Errors: invalid_params for both or an unknown one, too_old where this
// Asterisk has no `reason_code`.
[[nodiscard]] Result<void> set_hangup_reason(Json& params, const pbx::Server& server);

}  // namespace aribus::control
