#include "control/methods/hangup_reason.h"

#include <optional>
#include <string>
#include <vector>

#include "ari/hangup_causes.h"
#include "ari/versions.h"
#include "base/numbers.h"
#include "base/suggest.h"
#include "control/params.h"

namespace aribus::control {
namespace {

// ARI's own reasons, for the error.
std::string known_reasons() {
  std::vector<std::string_view> names;
  for (const ari::Cause& cause : ari::causes()) {
    if (!cause.reason.empty()) names.push_back(cause.reason);
  }
  return join(names);
}

Error unknown_reason(const JsonValue& reason) {
  std::vector<std::string_view> names;
  for (const ari::Cause& cause : ari::causes()) {
    names.push_back(cause.name);
    if (!cause.reason.empty()) names.push_back(cause.reason);
  }
  Error error = wrong_param(
      "reason", "a reason of ARI (" + known_reasons() + "), a name or a number of Q.850", &reason);
  if (reason.IsString()) error.message += did_you_mean(as_view(reason), names);
  return error;
}

// The Q.850 code that `reason` stands for; nothing if it is unknown.
std::optional<int> cause_code(const JsonValue& reason) {
  if (reason.IsInt()) {
    if (reason.GetInt() >= 1 && reason.GetInt() <= 127) return reason.GetInt();
    return {};
  }
  if (!reason.IsString()) return {};
  const std::string_view text = as_view(reason);
  if (const auto code = whole_number<int>(text)) return *code >= 1 && *code <= 127 ? code : std::nullopt;
  if (const ari::Cause* cause = ari::find_cause(text)) return cause->code;
  return {};
}

}  // namespace

Result<void> set_hangup_reason(Json& params, const pbx::Server& server) {
  const JsonValue* reason = find(params, "reason");
  const JsonValue* given_code = find(params, "reason_code");
  if (reason != nullptr && given_code != nullptr) {
    return Error{ErrorKind::invalid_params, "reason_code: excludes reason; give one of the two", {}};
  }
  if (given_code != nullptr) reason = given_code;
  if (reason == nullptr) return {};
  const std::optional<int> code = cause_code(*reason);
  if (!code) return unknown_reason(*reason);
  params.RemoveMember("reason");
  params.RemoveMember("reason_code");
  // ARI's own words are understood by every version.
  const ari::Cause* cause = ari::find_cause(*code);
  if (cause != nullptr && !cause->reason.empty()) {
    set_member(params, "reason", cause->reason);
    return {};
  }
  const ari::Parameter* reason_code = ari::find_operation("channels.hangup")->find("reason_code");
  const auto& info = server.client().info();
  if (info && ari::too_old_for(info->version, "", reason_code->absent_in)) {
    return ari::too_old("reason: Asterisk " + info->version + " can't hang up with cause " +
                            std::to_string(*code) + "; it knows " + known_reasons(),
                        "later than " + std::string(reason_code->absent_in), info->version);
  }
  set_member(params, "reason_code", std::to_string(*code));
  return {};
}

}  // namespace aribus::control
