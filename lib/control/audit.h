// The audit log of commands that change something: who, what, on which object, and how it ended. Values
// (variables, bodies, media) are never logged.
//
// Logged are all calls of methods whose access level is not "read", minus those that the configuration
// leaves out (AuditOptions): refused by an access rule (audit_refused()), and answered (AuditEntry). Calls
// with wrong parameters are not logged, as nothing was done.
#pragma once

#include <chrono>
#include <optional>
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

// The line about a command that is carried out: begun before it is sent, written when it is answered.
class AuditEntry {
 public:
  // Nothing if such commands are not logged. `params` have been checked; `server` is "" for commands of the
  // daemon itself. `method` must outlive the entry.
  [[nodiscard]] static std::optional<AuditEntry> begin(const Caller& caller, const Method& method,
                                                       std::string_view server, const JsonValue& params);
  // Writes it. If the method itself refused the parameters (invalid_params), nothing is logged.
  void finish(const Result<pbx::ResultText>& answer);

 private:
  AuditEntry() = default;

  std::string user_;
  PrincipalId principal_ = 0;
  std::string program_;
  const Method* method_ = nullptr;
  std::string server_;
  std::string app_;
  std::string channel_;
  std::string line_;
  std::chrono::steady_clock::time_point began_;
};

}  // namespace aribus::control
