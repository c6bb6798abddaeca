// The audit log of commands that change something: who, what, on which object, and how it ended. Values
// (variables, bodies, media) are never logged.
//
// Logged are all calls of methods whose access level is not "read", minus those that the configuration
// leaves out (AuditOptions): refused by an access rule (audit_refused()), and answered (audited()). Calls
// with wrong parameters are not logged, as nothing was done.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "control/access_rule.h"
#include "control/method.h"
#include "json/json.h"

namespace aribus::control {

// Which of these commands are logged. Reads are never logged.
struct AuditOptions {
  bool on = true;
  std::vector<std::string> methods = {};  // globs (glob(7)) and method_sets; empty: all
  std::vector<std::string> exclude = {};  // likewise; empty: none

  bool operator==(const AuditOptions&) const = default;
};

// From now on audit lines go to the destination of the log, whatever the log's level is; before, they are
// dropped. Required: the log was started.
void start_audit(AuditOptions options);

// Of a user with many refusals per second only some are logged one by one; this logs how many more there
// were. Call it now and then.
void audit_counts();

// Logs that an access rule refused a command.
void audit_refused(const Caller& caller, const Method& method, const JsonValue& params, const Error& error);

// The reply that logs how the command ended and passes the answer on to `reply`. `params` have been checked;
// if the method itself refuses them (invalid_params), nothing is logged. `method` must outlive the reply.
[[nodiscard]] pbx::Reply audited(const Caller& caller, const Method& method, std::string_view server,
                                 const JsonValue& params, pbx::Reply reply);

}  // namespace aribus::control
