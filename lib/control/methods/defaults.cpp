#include "control/methods/defaults.h"

#include <string>

#include "control/methods/hangup_reason.h"
#include "control/params.h"
#include "pbx/creating_operations.h"

namespace aribus::control {
namespace {

Result<void> prepare_originate(Json& params, const pbx::Server& server) {
  const JsonValue* app = find(params, "app");
  const bool dialplan_meant = app != nullptr && app->IsNull();
  bool dialplan_given = false;
  for (const std::string_view name : {"context", "extension", "priority", "label"}) {
    if (find(params, name) == nullptr) continue;
    dialplan_given = true;
    if (app != nullptr && !dialplan_meant) {
      return Error{
          ErrorKind::invalid_params,
          std::string(name) + ": excludes app (Asterisk would ignore it); app: null goes to the dialplan",
          {}};
    }
  }
  if (dialplan_meant) params.RemoveMember("app");
  if (dialplan_meant || dialplan_given) {
    if (find(params, "appArgs") != nullptr) {
      return Error{
          ErrorKind::invalid_params, "appArgs: goes with an app, and the call goes to the dialplan", {}};
    }
    if (find(params, "extension") == nullptr) set_member(params, "extension", "s");
    if (find(params, "priority") == nullptr && find(params, "label") == nullptr) {
      set_member(params, "priority", JsonValue(1));
    }
    return {};
  }
  if (app == nullptr) {
    const auto& apps = server.client().options().apps;
    if (apps.empty()) {
      return Error{
          ErrorKind::invalid_params, "app: missing, and no application is configured for this server", {}};
    }
    set_member(params, "app", apps.front());
  }
  return {};
}

Result<void> check_variables(const JsonValue& params) {
  const JsonValue* variables = find(params, "variables");
  if (variables == nullptr || !variables->IsObject()) return {};  // other operations take names in it
  for (const auto& member : variables->GetObject()) {
    const JsonValue& value = member.value;
    if (value.IsString() || (value.IsObject() && find(value, "value") != nullptr)) continue;
    return wrong_param("variables." + std::string(as_view(member.name)), "a string", &value);
  }
  return {};
}

}  // namespace

std::vector<ari::Parameter> method_parameters(const ari::Operation& operation) {
  std::vector<ari::Parameter> parameters(operation.parameters.begin(), operation.parameters.end());
  for (ari::Parameter& parameter : parameters) {
    if (operation.name == "channels.originate" && parameter.name == "app")
      parameter.type = ari::Type::string_or_null;
    if (operation.name == "channels.hangup" && parameter.name.starts_with("reason")) {
      parameter.type = ari::Type::string_or_integer;
      parameter.values = {};  // besides ARI's words, names and numbers of Q.850
    }
  }
  const pbx::CreatingOperation* creates = pbx::find_creating_operation(operation.name);
  if (creates != nullptr && creates->kind == record::IdKind::channel) parameters.push_back({.name = "call"});
  return parameters;
}

Error no_such_call(const pbx::Server& server, const JsonValue& call) {
  return wrong_param("call", "the id of a live call of the server " + server.name(), &call);
}

Result<void> prepare(const ari::Operation& operation, Json& params, const pbx::Server& server) {
  if (const pbx::CreatingOperation* creates = pbx::find_creating_operation(operation.name)) {
    const JsonValue* id = find(params, creates->id);
    if (id != nullptr && id->GetStringLength() == 0)
      return wrong_param(creates->id, "a string that is not empty", id);
    const JsonValue* call = creates->kind == record::IdKind::channel ? find(params, "call") : nullptr;
    if (call != nullptr && server.model().calls().find(as_view(*call)) == nullptr)
      return no_such_call(server, *call);
  }
  // ARI declares "both" as the default, but Asterisk answers 400 "Direction is required" without it.
  const bool mutes = operation.name == "channels.mute" || operation.name == "channels.unmute";
  if (mutes && find(params, "direction") == nullptr) set_member(params, "direction", "both");
  if (auto checked = check_variables(params); !checked) return checked;
  if (operation.name == "channels.originate") return prepare_originate(params, server);
  if (operation.name == "channels.hangup") return set_hangup_reason(params, server);
  return {};
}

}  // namespace aribus::control
