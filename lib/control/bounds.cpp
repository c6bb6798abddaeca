#include "control/bounds.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include <strings.h>

#include "ari/error_response.h"
#include "base/suggest.h"
#include "control/methods/defaults.h"
#include "control/named_ids.h"
#include "control/params.h"
#include "control/visibility.h"
#include "json/json_builder.h"
#include "json/json_tape.h"

namespace aribus::control {
namespace {

using record::IdKind;

// clang-format off
constexpr std::string_view open_methods[] = {
    "asterisk.getInfo", "asterisk.ping", "hello", "ping", "rpc.discover", "sounds.get", "sounds.list", "status"};

constexpr std::string_view refused_methods[] = {
    "ari.request",
    "asterisk.addLog", "asterisk.deleteLog", "asterisk.deleteObject", "asterisk.getGlobalVar", "asterisk.getModule",
    "asterisk.getObject", "asterisk.listLogChannels", "asterisk.listModules", "asterisk.loadModule",
    "asterisk.reloadModule", "asterisk.rotateLog", "asterisk.setGlobalVar", "asterisk.unloadModule",
    "asterisk.updateObject",
    "daemon.clients", "daemon.reload",
    "deviceStates.delete", "deviceStates.get", "deviceStates.list", "deviceStates.update",
    "endpoints.get", "endpoints.list", "endpoints.listByTech", "endpoints.refer", "endpoints.referToEndpoint",
    "endpoints.sendMessage", "endpoints.sendMessageToEndpoint",
    "mailboxes.delete", "mailboxes.get", "mailboxes.list", "mailboxes.update",
    "reclaim",
    "recordings.copyStored", "recordings.deleteStored", "recordings.getStored", "recordings.getStoredFile",
    "recordings.listStored"};

constexpr std::string_view methods_by_apps[] = {
    "group.accept", "group.decline", "group.handover", "group.leave", "group.list",
    "state.bridges", "state.calls", "state.channels", "state.devices", "state.endpoints", "state.playbacks",
    "state.recordings", "subscribe", "unsubscribe"};

constexpr std::string_view list_methods[] = {"applications.list", "bridges.list", "channels.list"};

constexpr std::string_view methods_by_parameters[] = {
    "applications.filter", "applications.get", "applications.subscribe", "applications.unsubscribe",
    "bridge",
    "bridges.addChannel", "bridges.clearVideoSource", "bridges.create", "bridges.createWithId", "bridges.destroy",
    "bridges.get", "bridges.getBridgeVar", "bridges.getBridgeVars", "bridges.play", "bridges.playWithId",
    "bridges.record", "bridges.removeChannel", "bridges.setBridgeVar", "bridges.setBridgeVars",
    "bridges.setVideoSource", "bridges.startMoh", "bridges.stopMoh",
    "channels.answer", "channels.continueInDialplan", "channels.create", "channels.dial", "channels.externalMedia",
    "channels.get", "channels.getChannelVar", "channels.getChannelVars", "channels.hangup", "channels.hold",
    "channels.move", "channels.mute", "channels.originate", "channels.originateWithId", "channels.play",
    "channels.playWithId", "channels.progress", "channels.record", "channels.redirect", "channels.ring",
    "channels.ringStop", "channels.rtpstatistics", "channels.sendDTMF", "channels.setChannelVar",
    "channels.setChannelVars", "channels.snoopChannel", "channels.snoopChannelWithId", "channels.startMoh",
    "channels.startSilence", "channels.stopMoh", "channels.stopSilence", "channels.transfer_progress",
    "channels.unhold", "channels.unmute",
    "events.claimChannel", "events.userEvent",
    "hangup", "originate", "play",
    "playbacks.control", "playbacks.get", "playbacks.stop",
    "record",
    "recordings.cancel", "recordings.getLive", "recordings.mute", "recordings.pause", "recordings.stop",
    "recordings.unmute", "recordings.unpause",
    "transfer"};

struct ParameterEntry {
  std::string_view name;
  ParameterBound bound;
};
// `channelId`, `bridgeId`, `playbackId` and `name` that name what the command creates are new ids.
constexpr ParameterEntry parameters[] = {
    {"app", ParameterBound::application},
    {"application", ParameterBound::application},
    {"applicationName", ParameterBound::application},
    {"bridgeId", ParameterBound::bridge},
    {"call", ParameterBound::call},
    {"caller", ParameterBound::channel},
    {"channel", ParameterBound::channel},
    {"channelId", ParameterBound::channel},
    {"channels", ParameterBound::channel},
    {"context", ParameterBound::place},
    {"endpoint", ParameterBound::endpoint},
    {"eventSource", ParameterBound::sources},
    {"extension", ParameterBound::place},
    {"label", ParameterBound::place},
    {"lang", ParameterBound::language},
    {"media", ParameterBound::media},
    {"originator", ParameterBound::channel},
    {"otherChannelId", ParameterBound::new_id},
    {"playbackId", ParameterBound::playback},
    {"priority", ParameterBound::place},
    {"recordingName", ParameterBound::recording},
    {"snoopId", ParameterBound::new_id},
    {"source", ParameterBound::sources},
    {"variable", ParameterBound::variable},
    {"variables", ParameterBound::variable},
};
constexpr std::string_view harmless_parameters[] = {
    "absorbDTMF", "after", "announcer_format", "appArgs", "beep", "before", "between", "callerId", "connection_type",
    "data", "direction", "dtmf", "duration", "encapsulation", "eventName", "external_host", "filter", "format",
    "formats", "ifExists", "inhibitConnectedLineUpdates", "maxDurationSeconds", "maxSilenceSeconds", "mohClass", "mute",
    "name", "offsetms", "operation", "reason", "reason_code", "recorder_format", "report_events", "role", "skipms",
    "spy", "states", "terminateOn", "timeout", "transport", "transport_data", "type", "value", "wait", "whisper"};
// clang-format on

template <typename List>
bool contains(const List& list, std::string_view name) {
  return std::ranges::find(list, name) != std::end(list);
}

bool begins_ignoring_case(std::string_view text, std::string_view beginning) {
  return text.size() >= beginning.size() &&
         ::strncasecmp(text.data(), beginning.data(), beginning.size()) == 0;
}

bool declares(const Method& method, std::string_view parameter) {
  return std::ranges::find(method.parameters, parameter, &ari::Parameter::name) != method.parameters.end();
}

// Calls `act` with each string of a parameter that may have several: Asterisk separates them at commas.
template <typename Act>
Result<void> for_each_text(const JsonValue& value, const Act& act) {
  if (value.IsArray()) {
    for (const JsonValue& item : value.GetArray()) {
      if (auto done = for_each_text(item, act); !done) return done;
    }
  }
  if (!value.IsString()) return {};
  std::string_view rest = as_view(value);
  do {
    const size_t end = std::min(rest.find(','), rest.size());
    if (auto done = act(rest.substr(0, end)); !done) return done;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  } while (!rest.empty());
  return {};
}

std::string applications_of(const AccessRule& rule) {
  std::vector<std::string_view> names;
  for (const std::string& app : rule.apps) {
    if (!app.empty()) names.push_back(app);
  }
  return join(names);
}

Error outside(const AccessRule& rule, std::string_view parameter, const std::string& what) {
  return not_allowed(
      std::string(parameter) + ": the access rule '" + rule.name + "' has bound_commands, and " + what,
      rule.name);
}

// Whether `id` is in the rule's part of the ids and names on the server: it begins with an application of the
// rule and "-", and no application of others has a nearer claim to it. Asterisk ignores case, and newer
// versions also take an id for a longer one that begins with it.
bool has_own_prefix(const AccessRule& rule, const pbx::Server& server, std::string_view id) {
  size_t own = 0;
  for (const std::string& app : rule.apps) {
    if (!app.empty() && id.starts_with(app + "-")) own = std::max(own, app.size());
  }
  if (own == 0) return false;
  return std::ranges::none_of(server.client().options().apps, [&](const std::string& app) {
    if (rule.owns_app(app)) return false;
    const std::string prefix = app + "-";
    return (app.size() >= own && begins_ignoring_case(id, prefix)) || begins_ignoring_case(prefix, id);
  });
}

constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

bool has_only(std::string_view text, std::string_view marks) {
  return std::ranges::all_of(text, [&](char c) {
    return letters.find(c) != std::string_view::npos || marks.find(c) != std::string_view::npos;
  });
}

// A path below a folder, without a way out of it.
bool is_inside(std::string_view path) {
  return !path.starts_with('/') && path.find("..") == std::string_view::npos && has_only(path, "-_./ +:@");
}

Result<void> check_new_id(const AccessRule& rule, const pbx::Server& server, std::string_view parameter,
                          std::string_view id, bool is_file) {
  const bool plain = is_file ? is_inside(id) : has_only(id, "-_.:@+");
  if (plain && has_own_prefix(rule, server, id)) return {};
  return outside(
      rule, parameter,
      "what it creates has a name of letters, digits and -_.:@+ that begins with its application and '-' (" +
          applications_of(rule) + ")");
}

Result<void> check_application(const AccessRule& rule, std::string_view parameter, std::string_view app) {
  if (rule.owns_app(app)) return {};
  return outside(rule, parameter, "one of its applications is expected (" + applications_of(rule) + ")");
}

bool has_context(const AccessRule& rule, std::string_view context) {
  return contains(rule.contexts, context);
}

// Technologies of Asterisk's own channels, which expect to be called by its modules only.
constexpr std::string_view internal_technologies[] = {"Announcer", "CBAnn", "CBRec",    "Message",
                                                      "Recorder",  "Snoop", "Surrogate"};

// Local channels run a place in the dialplan: "Local/extension@context/options".
Result<void> check_endpoint(const AccessRule& rule, std::string_view parameter, std::string_view endpoint) {
  const size_t begin = endpoint.find_first_not_of(" \t\r\n");
  if (begin != std::string_view::npos) endpoint.remove_prefix(begin);
  const size_t slash = std::min(endpoint.find('/'), endpoint.size());
  const std::string_view technology = endpoint.substr(0, slash);
  const auto is_it = [&](std::string_view internal) { return begins_ignoring_case(technology, internal); };
  if (std::ranges::any_of(internal_technologies, is_it))
    return outside(rule, parameter, "an endpoint of a technology for calls is expected, as PJSIP/100");
  if (!begins_ignoring_case(technology, "Local")) return {};
  const std::string_view rest = endpoint.substr(std::min(slash + 1, endpoint.size()));
  const std::string_view place = rest.substr(0, rest.find('/'));
  const size_t at = place.find('@');
  if (at != std::string_view::npos && has_context(rule, place.substr(at + 1))) return {};
  return outside(rule, parameter, "a Local channel needs a context that is in its contexts");
}

Result<void> check_media(const AccessRule& rule, const pbx::Server& server, std::string_view parameter,
                         std::string_view uri) {
  const size_t colon = std::min(uri.find(':'), uri.size());
  const std::string_view scheme = uri.substr(0, colon);
  const std::string_view rest = uri.substr(std::min(colon + 1, uri.size()));
  constexpr std::string_view of_nobody[] = {"characters", "digits", "http", "https", "number", "tone"};
  if (colon < uri.size() && contains(of_nobody, scheme)) return {};
  if (scheme == "sound" && is_inside(rest)) return {};
  if (scheme == "recording" && is_inside(rest) && has_own_prefix(rule, server, rest)) return {};
  return outside(
      rule, parameter,
      "sound: with a path in Asterisk's folder of sounds, recording: with a name that begins with its "
      "application and '-', number:, digits:, characters:, tone:, http: or https: is expected");
}

Result<void> check_language(const AccessRule& rule, std::string_view parameter, std::string_view language) {
  if (has_only(language, "-_")) return {};
  return outside(rule, parameter, "the name of a language is expected, as en_GB");
}

// "channel:ID" or "bridge:ID".
std::optional<std::pair<IdKind, std::string_view>> source_of(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon + 1 == text.size()) return {};
  const std::string_view scheme = text.substr(0, colon);
  if (scheme == "channel") return std::pair(IdKind::channel, text.substr(colon + 1));
  if (scheme == "bridge") return std::pair(IdKind::bridge, text.substr(colon + 1));
  return {};
}

// Where an originate or a channel that leaves its application goes. Sets `app` where that is to be the
// default.
Result<void> check_place(const AccessRule& rule, const pbx::Server& server, const Method& method,
                         Json& params) {
  if (!declares(method, "context")) return {};
  const bool originates = declares(method, "app");
  const JsonValue* app = find(params, "app");
  if (originates) {
    const bool to_dialplan = (app != nullptr && app->IsNull()) ||
                             std::ranges::any_of(method.parameters, [&](const ari::Parameter& parameter) {
                               return bound_of(method, parameter.name) == ParameterBound::place &&
                                      find(params, parameter.name) != nullptr;
                             });
    if (!to_dialplan && app == nullptr) {
      const auto& apps = server.client().options().apps;
      const auto own = std::ranges::find_if(apps, [&](const auto& one) { return rule.owns_app(one); });
      if (own == apps.end())
        return outside(rule, "app", "the server " + server.name() + " has none of its applications");
      set_member(params, "app", *own);
    }
    if (!to_dialplan) return {};
  } else if (find(params, "endpoint") != nullptr) {
    return {};
  }
  const std::string_view given = find_string(params, "context");
  if (has_context(rule, given.empty() && originates ? "default" : given)) return {};
  return outside(rule, "context", "one that is in its contexts is expected");
}

// The operation of the method that takes the parameter: of several the one that takes all that is given.
const ari::Operation& operation_with(const Method& method, const JsonValue& params,
                                     std::string_view parameter) {
  const std::string_view name = parameter == "channels" ? "channel" : parameter;  // of `bridge`
  const ari::Operation* found = nullptr;
  for (const std::string_view operation : method.operations) {
    const ari::Operation* declared = ari::find_operation(operation);
    if (declared->find(name) == nullptr) continue;
    const bool takes_all = std::ranges::all_of(params.GetObject(), [&](const auto& member) {
      return declared->find(as_view(member.name)) != nullptr;
    });
    if (takes_all) return *declared;
    if (found == nullptr) found = declared;
  }
  return found == nullptr ? *ari::find_operation(method.operations.front()) : *found;
}

Error asterisks_refusal(const ari::Operation& operation, int status, std::string_view message) {
  HttpResponse response;
  response.status = status;
  response.body = ObjectBuilder().text("message", message).str();
  return ari::response_error(response, operation.method, operation.path);
}

struct Refusal {
  std::string_view operation;
  std::string_view parameter;
  int status;
  std::string_view message;
};
// Where Asterisk (22.10, 16.28) does not answer "Channel not found (404)" and the like.
constexpr Refusal texts_of_refusals[] = {
    {"applications.subscribe", "eventSource", 422, "Event source does not exist"},
    {"applications.unsubscribe", "eventSource", 422, "Event source was not subscribed to"},
    {"bridges.addChannel", "channel", 400, "Channel not found"},
    {"bridges.addChannel", "channels", 400, "Channel not found"},
    {"bridges.getBridgeVars", "bridgeId", 404, "Provided bridge was not found"},
    {"bridges.removeChannel", "channel", 400, "Channel not found"},
    {"bridges.setBridgeVars", "bridgeId", 404, "Provided bridge was not found"},
    {"bridges.setVideoSource", "channelId", 400, "Channel not found"},
    {"channels.create", "originator", 400, "Provided originator channel was not found"},
    {"channels.getChannelVar", "channelId", 404, "Provided channel was not found"},
    {"channels.getChannelVars", "channelId", 404, "Provided channel was not found"},
    {"channels.originate", "originator", 400, "Provided originator channel was not found"},
    {"channels.originateWithId", "originator", 400, "Provided originator channel was not found"},
    {"channels.setChannelVars", "channelId", 404, "Provided channel was not found"},
    {"channels.snoopChannel", "channelId", 404, "Provided channel was not found"},
    {"channels.snoopChannelWithId", "channelId", 404, "Provided channel was not found"},
    {"events.claimChannel", "channelId", 404, "Channel not found or not in broadcast state"},
    {"events.userEvent", "source", 422, "Event source does not exist"},
};

// What Asterisk answers where there is no such object.
Error not_found(const Method& method, const JsonValue& params, std::string_view parameter) {
  const ari::Operation& operation = operation_with(method, params, parameter);
  for (const Refusal& refusal : texts_of_refusals) {
    if (refusal.operation == operation.name && refusal.parameter == parameter)
      return asterisks_refusal(operation, refusal.status, refusal.message);
  }
  const ParameterBound bound = bound_of(method, parameter);
  return asterisks_refusal(operation, 404,
                           bound == ParameterBound::bridge      ? "Bridge not found"
                           : bound == ParameterBound::playback  ? "Playback not found"
                           : bound == ParameterBound::recording ? "Recording not found"
                                                                : "Channel not found");
}

std::optional<IdKind> kind_of(ParameterBound bound) {
  switch (bound) {
    case ParameterBound::channel:
      return IdKind::channel;
    case ParameterBound::bridge:
      return IdKind::bridge;
    case ParameterBound::playback:
      return IdKind::playback;
    case ParameterBound::recording:
      return IdKind::recording;
    default:
      return {};
  }
}

std::string_view text_of(ParameterBound bound) {
  constexpr std::string_view texts[] = {"refused",   "",        "channel", "bridge",      "playback",
                                        "recording", "call",    "new id",  "application", "endpoint",
                                        "place",     "sources", "media",   "language",    "variables"};
  return texts[static_cast<size_t>(bound)];
}

std::string text_of(const Method& method) {
  switch (bound_of(method.name)) {
    case Bound::open:
      return "nothing";
    case Bound::by_apps:
      return "`apps`, as records";
    case Bound::list:
      return "list";
    case Bound::refused:
      return "refused";
    case Bound::parameters:
      break;
  }
  std::vector<bool> has(static_cast<size_t>(ParameterBound::variable) + 1);
  for (const ari::Parameter& parameter : method.parameters)
    has[static_cast<size_t>(bound_of(method, parameter.name))] = true;
  std::string text;
  for (size_t i = 0; i < has.size(); ++i) {
    const std::string_view word = text_of(static_cast<ParameterBound>(i));
    if (has[i] && !word.empty()) text += (text.empty() ? "" : ", ") + std::string(word);
  }
  return text;
}

}  // namespace

bool has_bound(std::string_view method) {
  return bound_of(method) != Bound::refused || contains(refused_methods, method);
}

Bound bound_of(std::string_view method) {
  if (contains(methods_by_parameters, method)) return Bound::parameters;
  if (contains(methods_by_apps, method)) return Bound::by_apps;
  if (contains(list_methods, method)) return Bound::list;
  return contains(open_methods, method) ? Bound::open : Bound::refused;
}

ParameterBound bound_of(const Method& method, std::string_view parameter) {
  if (created_kind(method, parameter)) return ParameterBound::new_id;
  // Members of an event, which Asterisk does not evaluate.
  if (method.name == "events.userEvent" && parameter == "variables") return ParameterBound::harmless;
  const auto* const at = std::ranges::find(parameters, parameter, &ParameterEntry::name);
  if (at != std::end(parameters)) return at->bound;
  return contains(harmless_parameters, parameter) ? ParameterBound::harmless : ParameterBound::refused;
}

std::string bounds_document(const MethodTable& methods) {
  std::string text = "| limited by | methods |\n|---|---|\n";
  for (const Bound bound : {Bound::parameters, Bound::list, Bound::by_apps, Bound::open, Bound::refused}) {
    std::vector<std::pair<std::string, std::string>> rows;  // how they are limited, methods
    for (const auto& [name, method] : methods.all()) {
      if (bound_of(name) != bound) continue;
      const std::string how = text_of(method);
      auto at = std::ranges::find(rows, how, &std::pair<std::string, std::string>::first);
      if (at == rows.end()) at = rows.insert(rows.end(), {how, ""});
      at->second += (at->second.empty() ? "`" : ", `") + name + "`";
    }
    for (const auto& [how, names] : rows) text += "| " + how + " | " + names + " |\n";
  }
  return text;
}

Result<void> Bounds::check(const AccessRule& rule, const pbx::Server& server, const Method& method,
                           Json& params, std::string_view generated_id) const {
  if (bound_of(method.name) != Bound::parameters) return {};
  for (const auto& member : std::as_const(params).GetObject()) {
    const std::string_view name = as_view(member.name);
    const auto check_each = [&](const auto& check) { return for_each_text(member.value, check); };
    Result<void> right;
    switch (bound_of(method, name)) {
      case ParameterBound::refused:
        right = outside(rule, name, "this parameter can't be limited");
        break;
      case ParameterBound::application:
        if (!member.value.IsNull()) right = check_application(rule, name, find_string(params, name));
        break;
      case ParameterBound::new_id:
        if (generated_id.empty() || as_view(member.value) != generated_id)
          right = check_new_id(rule, server, name, as_view(member.value), name == "name");
        break;
      case ParameterBound::endpoint:
        right = check_endpoint(rule, name, as_view(member.value));
        break;
      case ParameterBound::sources:
        right = check_each([&](std::string_view text) -> Result<void> {
          if (source_of(text)) return {};
          return outside(rule, name, "channel:ID or bridge:ID is expected");
        });
        break;
      case ParameterBound::media:
        right = check_each([&](std::string_view text) { return check_media(rule, server, name, text); });
        break;
      case ParameterBound::language:
        right = check_language(rule, name, as_view(member.value));
        break;
      default:
        break;
    }
    if (!right) return right;
  }
  if (auto right = check_place(rule, server, method, params); !right) return right;
  return check_objects(rule, server, method, params, false);
}

// `answered`: the command was carried out, and objects that are not live any more are no fault.
Result<void> Bounds::check_objects(const AccessRule& rule, const pbx::Server& server, const Method& method,
                                   const JsonValue& params, bool answered) const {
  const auto may_use = [&](IdKind kind, std::string_view id) {
    return reaches(rule, server, kind, id) || (answered && server.model().find(kind, id) == nullptr);
  };
  // While the live objects are not known, that one is not among them says nothing.
  const bool is_known = server.state() == pbx::State::ready || server.state() == pbx::State::replaced;
  const auto refusal = [&](Error error) {
    return is_known ? error : server.not_connected("its live objects are not known yet; nothing was sent");
  };
  for (const auto& member : params.GetObject()) {
    const std::string_view name = as_view(member.name);
    const ParameterBound bound = bound_of(method, name);
    Result<void> right;
    if (const auto kind = kind_of(bound)) {
      const bool several = name == "channel" || name == "channels";
      const auto check_one = [&](std::string_view id) -> Result<void> {
        if (may_use(*kind, id)) return {};
        return refusal(not_found(method, params, name));
      };
      right = several ? for_each_text(member.value, check_one) : check_one(as_view(member.value));
    } else if (bound == ParameterBound::sources) {
      right = for_each_text(member.value, [&](std::string_view text) -> Result<void> {
        const auto source = source_of(text);
        if (source && may_use(source->first, source->second)) return {};
        return refusal(not_found(method, params, name));
      });
    } else if (bound == ParameterBound::call && !answered) {
      if (!reaches(rule, server, IdKind::call, as_view(member.value)))
        right = refusal(no_such_call(server, member.value));
    } else if (bound == ParameterBound::new_id && !answered) {
      // It has the rule's prefix, and yet it is somebody else's: Asterisk would change some objects instead.
      const IdKind kind = created_kind(method, name).value_or(IdKind::channel);
      const std::string_view id = as_view(member.value);
      if (server.model().find(kind, id) != nullptr && !reaches(rule, server, kind, id))
        right = asterisks_refusal(operation_with(method, params, name), 409, "The id is in use");
    }
    if (!right) return right;
  }
  return {};
}

Result<pbx::ResultText> Bounds::limit(const AccessRule& rule, const pbx::Server& server, const Method& method,
                                      const JsonValue& params, pbx::ResultText answer) const {
  const Bound bound = bound_of(method.name);
  if (bound == Bound::parameters) {
    if (auto right = check_objects(rule, server, method, params, true); !right) return right.error();
  }
  if (bound != Bound::list) return answer;
  const std::string text = answer.str();
  JsonTape tape;
  const JsonView all = tape.read(text);
  std::vector<std::string_view> kept;
  if (all.valid() && all.kind() == JsonKind::array) {
    for (const auto& item : all.children()) {
      const JsonView object = item.value();
      const bool is_own =
          method.name == "applications.list"
              ? rule.owns_app(object.string_at("name"))
              : reaches(rule, server, method.name == "bridges.list" ? IdKind::bridge : IdKind::channel,
                        object.string_at("id"));
      if (is_own) kept.push_back(object.text());
    }
  }
  return pbx::ResultText(array_text(kept));
}

bool Bounds::reaches(const AccessRule& rule, const pbx::Server& server, IdKind kind,
                     std::string_view id) const {
  return reaches_object(rule, server.model(), kind, id,
                        [&](std::string_view bridge, const state::Object& object) {
                          const auto at = creators_.find(key_of(server, bridge));
                          return at != creators_.end() && at->second.rule == rule.name &&
                                 (at->second.made.empty() || at->second.made == object.made);
                        });
}

std::string Bounds::key_of(const pbx::Server& server, std::string_view bridge) {
  return server.name() + "\n" + std::string(bridge);
}

void Bounds::creating_bridge(const AccessRule& rule, const pbx::Server& server, std::string_view id) {
  if (server.model().find(IdKind::bridge, id) != nullptr) return;  // it stays whose it is
  if (creators_.size() >= room_) {
    const std::string of_server = key_of(server, "");
    std::erase_if(creators_, [&](const auto& entry) {
      return !entry.second.pending && entry.first.starts_with(of_server) &&
             server.model().find(IdKind::bridge, std::string_view(entry.first).substr(of_server.size())) ==
                 nullptr;
    });
    room_ = std::max(least_room, 2 * creators_.size());
  }
  creators_.insert_or_assign(key_of(server, id), Creator{rule.name, "", true});
}

void Bounds::created_bridge(const pbx::Server& server, std::string_view id,
                            const Result<pbx::ResultText>& answer) {
  const auto at = creators_.find(key_of(server, id));
  if (at == creators_.end() || !at->second.pending) return;
  if (!answer && answer.error().kind != ErrorKind::outcome_unknown) {
    creators_.erase(at);
    return;
  }
  at->second.pending = false;
  if (!answer) return;
  JsonTape tape;
  const JsonView bridge = tape.read(answer->plain());
  if (bridge.valid() && bridge.kind() == JsonKind::object) at->second.made = bridge.string_at("creationtime");
}

}  // namespace aribus::control
