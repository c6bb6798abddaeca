// The trail of what changed something: who, what, on which thing, and how it ended. What is said with it
// (variables, bodies, media) stays out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "control/access.h"
#include "control/method.h"
#include "json/json.h"

namespace aribus::control {

// Which of the commands that change something are written down.
struct AuditOptions {
  bool on = true;
  std::vector<std::string> methods = {};  // globs (glob(7)) and method_sets; none: all
  std::vector<std::string> exclude = {};  // likewise; none: nothing is left out

  bool operator==(const AuditOptions&) const = default;
};

// From now on lines go where the log goes, whatever its level. Until it is called: nowhere.
// Required: the log was started.
void start_audit(AuditOptions options);

// Tells how many refusals, beyond some a second of a user, were not told one by one (LineLimit). To be
// called now and then.
void audit_counts();

// Tells that a rule refused a command that would change something.
void audit_refused(const Caller& caller, const Method& method, const JsonValue& params, const Error& error);

// `reply`, telling how the command ended, for one that changes something. `params` are checked; what the
// method itself still finds wrong in them (invalid_params) is not told, as nothing was done.
[[nodiscard]] pbx::Reply audited(const Caller& caller, const Method& method, std::string_view server,
                                 const JsonValue& params, pbx::Reply reply);

}  // namespace aribus::control
