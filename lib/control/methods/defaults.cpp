#include "control/methods/defaults.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

#include "ari/hangup_causes.h"
#include "ari/versions.h"
#include "base/suggest.h"
#include "control/methods/new_objects.h"
#include "control/methods/refused_channel.h"
#include "control/params.h"
#include "json/json_tape.h"
#include "pbx/creating_operations.h"

namespace aribus::control {
namespace {

Result<void> prepare_originate(Json& params, const pbx::Server& upstream) {
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
    const std::string default_app = upstream.default_app();
    if (default_app.empty()) {
      return Error{
          ErrorKind::invalid_params, "app: missing, and no application is configured for this server", {}};
    }
    set_member(params, "app", default_app);
  }
  return {};
}

Result<void> check_variables(const JsonValue& params) {
  const JsonValue* variables = find(params, "variables");
  if (variables == nullptr || !variables->IsObject()) return {};  // elsewhere it lists names
  for (const auto& member : variables->GetObject()) {
    const JsonValue& value = member.value;
    if (value.IsString() || (value.IsObject() && find(value, "value") != nullptr)) continue;
    return wrong_param("variables." + std::string(as_view(member.name)), "a string", &value);
  }
  return {};
}

// Reason words that ARI takes, for the error.
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

// The Q.850 code meant by `reason`, or nothing.
std::optional<int> cause_code(const JsonValue& reason) {
  if (reason.IsInt()) {
    if (reason.GetInt() >= 1 && reason.GetInt() <= 127) return reason.GetInt();
    return {};
  }
  if (!reason.IsString()) return {};
  const std::string_view text = as_view(reason);
  int code = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), code);
  if (error == std::errc() && end == text.data() + text.size()) {
    return code >= 1 && code <= 127 ? std::optional(code) : std::nullopt;
  }
  if (const ari::Cause* cause = ari::find_cause(text)) return cause->code;
  return {};
}

Result<void> prepare_hangup(Json& params, const pbx::Server& upstream) {
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
  // ARI's own words work on every version.
  const ari::Cause* cause = ari::find_cause(*code);
  if (cause != nullptr && !cause->reason.empty()) {
    set_member(params, "reason", cause->reason);
    return {};
  }
  const ari::Parameter* reason_code = ari::find_operation("channels.hangup")->find("reason_code");
  const auto& info = upstream.client().info();
  if (info && ari::too_old_for(info->version, "", reason_code->absent_in)) {
    return ari::too_old("reason: Asterisk " + info->version + " can't hang up with cause " +
                            std::to_string(*code) + "; it knows " + known_reasons(),
                        "later than " + std::string(reason_code->absent_in), info->version);
  }
  set_member(params, "reason_code", std::to_string(*code));
  return {};
}

// Events about what `operation` makes would come here.
bool shows(const pbx::Server& upstream, const pbx::CreatingOperation& creates, const JsonValue& params) {
  const ari::ClientOptions& options = upstream.client().options();
  if (creates.kind != record::IdKind::channel || options.subscribe_all) return true;
  return std::ranges::find(options.apps, find_string(params, "app")) != options.apps.end();
}

// A channel that was made for an application of ours enters it a moment later, if it has not yet.
void await_entry(pbx::Server& upstream, const NewObject& made, std::string_view answer) {
  const ari::Client& client = upstream.client();
  const auto& apps = client.options().apps;
  const bool is_held =
      std::ranges::find(apps, made.app) != apps.end() && !client.replaced_apps().contains(made.app);
  if (made.kind != record::IdKind::channel || !is_held) return;
  JsonTape tape;
  const JsonView shown = tape.read(answer);
  if (!shown.valid() || shown.kind() != JsonKind::object) return;
  const JsonView inner = shown.find("channel");  // 16 answers externalMedia so
  const std::string created = (inner.valid() ? inner : shown).string_at("creationtime");
  const state::Object* object = upstream.model().find(made.kind, made.id);
  const bool is_told =
      object != nullptr && (created.empty() || object->made == created) && object->app_seq > made.before;
  if (!is_told) upstream.stasis().made(made.id, made.app, created);
}

}  // namespace

std::vector<ari::Parameter> method_parameters(const ari::Operation& operation) {
  std::vector<ari::Parameter> parameters(operation.parameters.begin(), operation.parameters.end());
  for (ari::Parameter& parameter : parameters) {
    if (operation.name == "channels.originate" && parameter.name == "app")
      parameter.type = ari::Type::string_or_null;
    if (operation.name == "channels.hangup" && parameter.name.starts_with("reason")) {
      parameter.type = ari::Type::string_or_integer;
      parameter.values = {};  // names and numbers of Q.850 besides ARI's words
    }
  }
  return parameters;
}

Result<void> prepare(const ari::Operation& operation, Json& params, const pbx::Server& upstream) {
  if (const pbx::CreatingOperation* creates = pbx::find_creating_operation(operation.name)) {
    const JsonValue* id = find(params, creates->id);
    if (id != nullptr && id->GetStringLength() == 0)
      return wrong_param(creates->id, "a string that is not empty", id);
  }
  // Declared to be the default, and yet Asterisk answers 400 "Direction is required" without it.
  const bool mutes = operation.name == "channels.mute" || operation.name == "channels.unmute";
  if (mutes && find(params, "direction") == nullptr) set_member(params, "direction", "both");
  if (auto checked = check_variables(params); !checked) return checked;
  if (operation.name == "channels.originate") return prepare_originate(params, upstream);
  if (operation.name == "channels.hangup") return prepare_hangup(params, upstream);
  return {};
}

void call_explained(pbx::Server& upstream, const ari::Operation& operation, const JsonValue& params,
                    const Requester& requester, pbx::Reply reply) {
  const pbx::CreatingOperation* creates = pbx::find_creating_operation(operation.name);
  if (creates == nullptr) {
    upstream.call(operation, params, requester, std::move(reply));
    return;
  }
  const std::string id(find_string(params, creates->id));
  const bool makes_channel = creates->kind == record::IdKind::channel;
  const uint64_t number = upstream.resolver().begin(operation.name, upstream.next(creates->kind, id),
                                                    shows(upstream, *creates, params));
  upstream.call(operation, params, requester,
                [&upstream, creates, id, makes_channel, wanted = WantedChannel::of(params, creates->id),
                 number, requester, made = NewObject::of(upstream, *creates, params),
                 reply = std::move(reply)](Result<pbx::ResultText> answer) {
                  if (!answer && answer.error().kind == ErrorKind::outcome_unknown) {
                    return reply(unresolved(upstream, std::move(answer.error()), number, creates->id, id));
                  }
                  const bool told = upstream.resolver().answered(number);
                  if (answer) {
                    upstream.incarnations().made(creates->kind, id, answer->plain(), told);
                    await_entry(upstream, made, answer->plain());
                    tell_of_new(upstream, made, answer->plain());
                  }
                  if (!answer && makes_channel && misleads(answer.error())) {
                    explain_no_channel(upstream, wanted, std::move(answer.error()), requester, reply);
                  } else {
                    reply(std::move(answer));
                  }
                });
}

Error unresolved(pbx::Server& upstream, Error error, uint64_t number, std::string_view id_name,
                 std::string_view id, bool made) {
  Result<Json> data = parse_json(error.data);
  if (!data || !data->IsObject()) data = Json(rapidjson::kObjectType);
  set_member(*data, id_name, id);
  const std::string command = upstream.resolver().find_out(number, made);
  if (!command.empty()) set_member(*data, "command", command);
  error.data = to_text(*data);
  return error;
}

void call_prepared(pbx::Server& upstream, const ari::Operation& operation, Json params,
                   const Requester& requester, const pbx::Reply& reply) {
  if (auto prepared = prepare(operation, params, upstream); !prepared) return reply(prepared.error());
  call_explained(upstream, operation, params, requester, reply);
}

}  // namespace aribus::control
