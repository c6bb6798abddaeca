// The trail of what changed something: who, what, on which thing, and how it ended. What is said with it
// (variables, bodies, media) stays out.
#pragma once

#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "control/access.h"
#include "control/method.h"

namespace aribus::control {

// Lines go where the log goes, whatever its level, or nowhere. Until it is called: nowhere.
// Required: the log was started.
void start_audit(bool on);

// Tells how many refusals, beyond some a second of a user, were not told one by one (RefusalLimit). To be
// called now and then.
void audit_counts();

// Tells that a rule refused a command that would change something.
void audit_refused(const Caller& caller, const Method& method, const JsonValue& params, const Error& error);

// `reply`, telling how the command ended, for one that changes something. `params` are checked.
[[nodiscard]] Reply audited(const Caller& caller, const Method& method, std::string_view server,
                            const JsonValue& params, Reply reply);

}  // namespace aribus::control
