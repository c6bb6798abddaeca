#include "control/methods/verbs.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ari/operation.h"
#include "control/methods/defaults.h"
#include "control/methods/originate_outcome.h"
#include "control/params.h"
#include "pbx/creating_operations.h"

namespace aribus::control {
namespace {

using ari::Parameter;
using ari::Place;
using ari::Type;
using record::IdKind;

constexpr std::string_view http_methods[] = {"GET", "POST", "PUT", "DELETE"};
constexpr std::string_view what_to_wait_for[] = {"answer"};

const ari::Operation& operation(std::string_view name) {
  return *ari::find_operation(name);
}

Json with_string(std::string_view name, std::string_view value) {
  Json object(rapidjson::kObjectType);
  set_member(object, name, value);
  return object;
}

// The parameters that `first` and `second` take, none of them required, and `more`.
std::vector<Parameter> parameters_of_either(std::string_view first, std::string_view second,
                                            std::vector<Parameter> more = {}) {
  std::vector<Parameter> all = method_parameters(operation(first));
  for (const Parameter& parameter : operation(second).parameters) more.push_back(parameter);
  for (const Parameter& parameter : more) {
    if (std::ranges::find(all, parameter.name, &Parameter::name) == all.end()) all.push_back(parameter);
  }
  for (Parameter& parameter : all) parameter.required &= parameter.place != Place::path;
  return all;
}

// Which of two operations is meant: the one of `first_id`, or that of `second_id`.
Result<const ari::Operation*> pick(const JsonValue& params, std::string_view first_id, std::string_view first,
                                   std::string_view second_id, std::string_view second) {
  const bool is_first = find(params, first_id) != nullptr;
  if (is_first == (find(params, second_id) != nullptr)) {
    return Error{ErrorKind::invalid_params,
                 std::string(first_id) + ": exactly one of " + std::string(first_id) + " and " +
                     std::string(second_id) + " is expected",
                 {}};
  }
  return &operation(is_first ? first : second);
}

// Takes the member `wait` out of `params`: whether it was there and not false.
bool take_wait(Json& params) {
  const bool waits = waits_for_end(params);
  params.RemoveMember("wait");
  return waits;
}

// What a record about the thing waited for makes the answer, if it does. It sees none about earlier ones.
using See = std::function<std::optional<std::string>(const record::Record&, const JsonValue& fields)>;

// What a command waits for.
struct Awaited {
  IdKind kind;
  std::string_view id_name;          // the parameter that names it
  std::string_view noun;             // for people
  IdKind on_kind = IdKind::channel;  // of what it is on
  std::string_view on_name = {};     // the parameter that names that, or ""
  std::string app = {};              // see EventWaiters::Waiter::app
};

// Whether nobody here may be told of its end: what it is on is not heard.
bool is_doubtful(const pbx::Server& upstream, const Awaited& awaited, std::string_view on) {
  if (on.empty()) return false;
  const auto hears = [&](const std::string& app) { return upstream.hears(app); };
  const state::Object* thing = upstream.model().find(awaited.on_kind, on);
  return thing == nullptr || (!hears(thing->app) && std::ranges::none_of(thing->told_to, hears));
}

// The object in what such a record made: the channel in the outcome of a call, or the thing itself.
std::string object_of(const std::string& answer) {
  const Result<Json> json = parse_json(answer);
  const JsonValue* channel = json ? find(*json, "channel") : nullptr;
  return channel == nullptr ? answer : to_text(*channel);
}

// Calls `op` and answers with what `see` makes of a record about what it makes. The wait begins before the
// command is sent: events may come before its answer does.
void call_and_wait(Call call, const ari::Operation& op, const Awaited& awaited, See see) {
  struct State {
    pbx::Reply reply;
    pbx::Incarnation made;
    uint64_t wait = 0;
    bool accepted = false;
    std::vector<std::string> early = {};  // answers that events made before Asterisk's: whose, that will tell
    std::string cut = {};                 // why nothing more is heard of it
    bool over = false;
  };
  const IdKind kind = awaited.kind;
  const std::string_view id_name = awaited.id_name;
  const std::string id(find_string(call.params, id_name));
  const std::string on(awaited.on_name.empty() ? "" : find_string(call.params, awaited.on_name));
  pbx::Server& upstream = call.upstream;
  const auto state = std::make_shared<State>(State{std::move(call.reply), upstream.next(kind, id)});
  pbx::EventWaiters& waiters = upstream.waiters();
  const auto give_up = [state, &upstream, &op, id_name, id] {
    state->over = true;
    const uint64_t number = upstream.resolver().begin(op.name, state->made, true);
    Error error{ErrorKind::outcome_unknown, state->cut, {}};
    state->reply(unresolved(upstream, std::move(error), number, id_name, id, true));
  };
  const auto unseen = [state, id_name, id, noun = std::string(awaited.noun)] {
    state->over = true;
    state->reply(Error{ErrorKind::outcome_unknown, "the " + noun + " has ended, and no event told how",
                       render([&](JsonWriter& writer) {
                         writer.StartObject();
                         write_member(writer, id_name, id);
                         write_key(writer, "exists");
                         writer.Bool(false);
                         writer.EndObject();
                       })});
  };
  pbx::EventWaiters::Waiter wait;
  wait.see = [state, &waiters, unseen, see = std::move(see)](const record::Record& record,
                                                             const JsonValue& fields) {
    // What Asterisk's answers show is the new object once it has answered that it is there. That one which is
    // not there any more has failed, they show only where an event would have told of another end.
    const bool is_new = record.type == "state.changed" ? state->accepted && !waiters.is_doubtful(state->wait)
                                                       : state->made.is_of_new(record);
    if (!is_new && state->accepted && state->made.was_followed()) return unseen(), true;
    if (!is_new) return false;
    std::optional<std::string> answer = see(record, fields);
    if (!answer) return false;
    if (!state->accepted) return state->early.push_back(std::move(*answer)), false;
    state->over = true;
    state->reply(pbx::ResultText(std::move(*answer)));
    return true;
  };
  wait.lost = [state, give_up](const std::string& why) {
    state->cut = why;
    if (state->accepted) give_up();
  };
  wait.abandoned = [state] {
    state->over = true;
    state->reply(Error{ErrorKind::outcome_unknown, "the connection ended while the end was waited for", {}});
  };
  wait.connection = call.connection;
  wait.look = [state, &upstream,
               place = pbx::place_of(kind, id)](const std::function<void(pbx::EventWaiters::Look)>& done) {
    upstream.ask("GET", place, "", {}, [state, done](const Result<HttpResponse>& answer) {
      if (!answer || (answer->status != 200 && answer->status != 404))
        return done(pbx::EventWaiters::Look::unknown);
      const bool is_gone =
          answer->status == 404 || state->made.shown_by(answer->body) == pbx::Incarnation::Shown::another;
      done(is_gone ? pbx::EventWaiters::Look::gone : pbx::EventWaiters::Look::there);
    });
  };
  wait.unseen = unseen;
  wait.on_kind = awaited.on_kind;
  wait.on = on;
  wait.app = awaited.app;
  state->wait = waiters.add(kind, id, std::move(wait));
  call_explained(upstream, op, call.params, call.requester,
                 [state, &upstream, awaited, on, give_up,
                  on_accepted = call.on_accepted](Result<pbx::ResultText> answer) {
                   if (state->over) return;
                   if (!answer) {
                     upstream.waiters().remove(state->wait);
                     return state->reply(std::move(answer));
                   }
                   state->made.answered(answer->plain());
                   state->accepted = true;
                   for (std::string& early : state->early) {
                     if (state->made.shown_by(object_of(early)) == pbx::Incarnation::Shown::another) continue;
                     state->over = true;
                     upstream.waiters().remove(state->wait);
                     return state->reply(pbx::ResultText(std::move(early)));
                   }
                   upstream.waiters().look_for(state->wait, is_doubtful(upstream, awaited, on));
                   on_accepted();
                   if (!state->cut.empty()) give_up();
                 });
}

// "." or "..", in whatever form: with it the path would lead out of /ari.
bool climbs(std::string_view segment) {
  size_t dots = 0;
  while (!segment.empty()) {
    const bool encoded = segment.starts_with("%2e") || segment.starts_with("%2E");
    if (!encoded && !segment.starts_with('.')) return false;
    segment.remove_prefix(encoded ? 3 : 1);
    ++dots;
  }
  return dots == 1 || dots == 2;
}

// "%00" would end the path in Asterisk, which then acts on another thing than was meant.
bool safe_path(std::string_view path) {
  for (std::string_view rest = path; !rest.empty();) {
    const size_t end = std::min(rest.find('/'), rest.size());
    if (climbs(rest.substr(0, end))) return false;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return path.starts_with('/') && path.find("%00") == std::string_view::npos &&
         std::ranges::none_of(path,
                              [](unsigned char c) { return c <= ' ' || c >= 0x7F || c == '?' || c == '#'; });
}

void ari_request(Call call) {
  const std::string path(find_string(call.params, "path"));
  if (!safe_path(path)) {
    return call.reply(wrong_param("path",
                                  "a percent-encoded path below /ari, as /channels, its query in `query`",
                                  find(call.params, "path")));
  }
  std::vector<std::pair<std::string, std::string>> query;
  if (const JsonValue* given = find(call.params, "query")) {
    for (const auto& member : given->GetObject())
      query.emplace_back(as_view(member.name), ari::query_value(member.value));
  }
  const JsonValue* body = find(call.params, "body");
  call.upstream.request(std::string(find_string(call.params, "method")), path, query_string(query),
                        body == nullptr ? "" : to_text(*body), call.requester, std::move(call.reply));
}

// All was done, and only how the bridge looks could not be read: it is answered as events showed it.
Result<pbx::ResultText> made_bridge(const pbx::Server& upstream, const std::string& id, const Error& error) {
  if (const state::Object* bridge = upstream.model().find(IdKind::bridge, id))
    return pbx::ResultText(bridge->text);
  return Error{ErrorKind::outcome_unknown,
               "the bridge was made and the channels were put into it, and then it could not be read: " +
                   error.message,
               to_text(with_string("bridgeId", id))};
}

// A channel could not be added, and the bridge is there all the same: the error is never one that says that
// nothing was sent, or a repeat with the same key would make another.
Error bridge_is_left(Error error, const std::string& id, const Error& why) {
  error.message += "; the bridge '" + id + "' could not be destroyed: " + why.message;
  if (error.kind != ErrorKind::refused) error.kind = ErrorKind::outcome_unknown;
  Result<Json> data = parse_json(error.data);
  if (!data || !data->IsObject()) data = Json(rapidjson::kObjectType);
  set_member(*data, "bridgeId", id);
  error.data = to_text(*data);
  return error;
}

void bridge(Call call) {
  pbx::Server& upstream = call.upstream;
  Json create = copy_of(call.params);
  create.RemoveMember("channels");
  const std::string id(find_string(call.params, "bridgeId"));
  auto add = std::make_shared<Json>(with_string("bridgeId", id));
  set_member(*add, "channel", *find(call.params, "channels"));
  const auto undo = [&upstream, id, requester = call.requester](Error error, const pbx::Reply& reply) {
    upstream.call(operation("bridges.destroy"), with_string("bridgeId", id), requester,
                  [reply, id, error = std::move(error)](const auto& destroyed) mutable {
                    if (destroyed) {
                      error.message += "; the bridge was destroyed again";
                      return reply(std::move(error));
                    }
                    reply(bridge_is_left(std::move(error), id, destroyed.error()));
                  });
  };
  call_prepared(upstream, operation("bridges.create"), std::move(create), call.requester,
                [&upstream, id, add, undo, requester = call.requester, reply = call.reply](auto created) {
                  if (!created) return reply(std::move(created));
                  upstream.call(operation("bridges.addChannel"), *add, requester,
                                [&upstream, id, undo, requester, reply](auto added) {
                                  if (!added) return undo(std::move(added.error()), reply);
                                  upstream.call(operation("bridges.get"), with_string("bridgeId", id),
                                                requester, [&upstream, id, reply](auto got) {
                                                  got ? reply(std::move(got))
                                                      : reply(made_bridge(upstream, id, got.error()));
                                                });
                                });
                });
}

void hangup(Call call) {
  call_prepared(call.upstream, operation("channels.hangup"), std::move(call.params), call.requester,
                call.reply);
}

void originate(Call call) {
  const ari::Operation& op = operation("channels.originate");
  const bool waits = take_wait(call.params);
  if (auto prepared = prepare(op, call.params, call.upstream); !prepared) return call.reply(prepared.error());
  if (!waits) return call_explained(call.upstream, op, call.params, call.requester, call.reply);
  const std::string app(find_string(call.params, "app"));
  const auto& apps = call.upstream.client().options().apps;
  if (std::ranges::find(apps, app) == apps.end()) {
    return call.reply(
        Error{ErrorKind::invalid_params,
              "wait: goes with an application that aribus holds; of other calls it hears nothing",
              {}});
  }
  if (!call.upstream.hears(app)) {
    return call.reply(call.upstream.not_connected("another client has taken the application '" + app +
                                                  "', and what becomes of the call would not be heard; "
                                                  "nothing was sent"));
  }
  // ARI's default is 30 s; -1 lets it ring for ever.
  const JsonValue* given = find(call.params, "timeout");
  const int64_t timeout_s = given == nullptr ? 30 : given->GetInt64();
  const auto timeout =
      timeout_s < 0 ? std::nullopt : std::optional<Milliseconds>(std::chrono::seconds(timeout_s));
  const auto began = std::chrono::steady_clock::now();
  const auto outcome =
      std::make_shared<OriginateOutcome>(std::string(find_string(call.params, "channelId")), timeout);
  const Awaited awaited{.kind = IdKind::channel, .id_name = "channelId", .noun = "call", .app = app};
  call_and_wait(std::move(call), op, awaited,
                [outcome, began](const record::Record& record, const JsonValue& fields) {
                  const auto since = std::chrono::steady_clock::now() - began;
                  return outcome->see(record, fields, std::chrono::duration_cast<Milliseconds>(since));
                });
}

// The playback or recording of that id in the lists of a state.changed, when it is over: Asterisk could not
// begin it, say, and reports nothing then.
std::optional<std::string> ended_unreported(const JsonValue& fields, IdKind kind, std::string_view id,
                                            std::string_view field) {
  const JsonValue* objects = find(fields, "objects");
  const JsonValue* list = objects == nullptr ? nullptr : find(*objects, record::field_name(kind));
  if (list == nullptr || !list->IsArray()) return {};
  for (const JsonValue& item : list->GetArray()) {
    const JsonValue* thing = find(item, field);
    if (thing == nullptr || find_string(*thing, kind == IdKind::recording ? "name" : "id") != id) continue;
    if (state::is_over(kind, find_string(*thing, "state"))) return to_text(*thing);
  }
  return {};
}

// Plays or records; `ends` are the events with which that is over, each with the thing in its field `field`.
void run_media(Call call, std::string_view on_channel, std::string_view on_bridge, IdKind kind,
               std::string_view id_name, std::string_view field, std::vector<std::string_view> ends) {
  const auto op = pick(call.params, "channelId", on_channel, "bridgeId", on_bridge);
  if (!op) return call.reply(op.error());
  const bool waits = take_wait(call.params);
  if (auto checked = check_params((*op)->parameters, call.params); !checked)
    return call.reply(checked.error());
  if (auto prepared = prepare(**op, call.params, call.upstream); !prepared)
    return call.reply(prepared.error());
  if (!waits) return call_explained(call.upstream, **op, call.params, call.requester, call.reply);
  const std::string id(find_string(call.params, id_name));
  const bool is_on_channel = find(call.params, "channelId") != nullptr;
  const Awaited awaited{.kind = kind,
                        .id_name = id_name,
                        .noun = field,
                        .on_kind = is_on_channel ? IdKind::channel : IdKind::bridge,
                        .on_name = is_on_channel ? "channelId" : "bridgeId"};
  call_and_wait(std::move(call), **op, awaited,
                [field, kind, id, ends = std::move(ends)](
                    const record::Record& record, const JsonValue& fields) -> std::optional<std::string> {
                  if (record.type == "state.changed") return ended_unreported(fields, kind, id, field);
                  const JsonValue* thing = find(fields, field);
                  if (thing == nullptr || std::ranges::find(ends, record.type) == ends.end()) return {};
                  return to_text(*thing);
                });
}

void play(Call call) {
  run_media(std::move(call), "channels.play", "bridges.play", IdKind::playback, "playbackId", "playback",
            {"PlaybackFinished"});
}

void record_media(Call call) {
  run_media(std::move(call), "channels.record", "bridges.record", IdKind::recording, "name", "recording",
            {"RecordingFinished", "RecordingFailed"});
}

void transfer(Call call) {
  const bool to_endpoint = find(call.params, "endpoint") != nullptr;
  const ari::Operation& op = operation(to_endpoint ? "channels.redirect" : "channels.continueInDialplan");
  if (!to_endpoint && find(call.params, "context") == nullptr && find(call.params, "extension") == nullptr) {
    return call.reply(
        Error{ErrorKind::invalid_params, "endpoint: one of endpoint, context and extension is expected", {}});
  }
  if (auto checked = check_params(op.parameters, call.params); !checked) return call.reply(checked.error());
  call_prepared(call.upstream, op, std::move(call.params), call.requester, call.reply);
}

std::vector<Parameter> with(std::vector<Parameter> parameters, const Parameter& more) {
  parameters.push_back(more);
  return parameters;
}

}  // namespace

bool waits_for_end(const JsonValue& params) {
  const JsonValue* wait = find(params, "wait");
  return wait != nullptr && !wait->IsFalse();
}

std::vector<Method> verbs() {
  const auto answer_of = [](std::string_view name) { return operation(name).answer; };
  return {
      {.name = "ari.request",
       .parameters = {{.name = "method", .required = true, .values = http_methods},
                      {.name = "path", .required = true},
                      {.name = "query", .type = Type::object},
                      {.name = "body", .type = Type::object}},
       .answer_schema = "{}",
       .access_level = AccessLevel::admin,
       .run = ari_request},
      // What goes into the path of a request can't be empty.
      {.name = "bridge",
       .parameters = {{.name = "channels", .place = Place::path, .required = true, .multiple = true},
                      {.name = "type"},
                      {.name = "name"},
                      {.name = "bridgeId", .place = Place::path}},
       .answer = answer_of("bridges.get"),
       .operations = {"bridges.create", "bridges.addChannel", "bridges.get", "bridges.destroy"},
       .generated_id_param = "bridgeId",
       .access_level = AccessLevel::control,
       .run = bridge},
      {.name = "hangup",
       .parameters = method_parameters(operation("channels.hangup")),
       .answer = answer_of("channels.hangup"),
       .operations = {"channels.hangup"},
       .access_level = AccessLevel::control,
       .run = hangup},
      {.name = "originate",
       .parameters = with(method_parameters(operation("channels.originate")),
                          {.name = "wait", .values = what_to_wait_for}),
       .answer = answer_of("channels.originate"),
       .answer_when_waiting = OriginateOutcome::schema,
       .operations = {"channels.originate"},
       .generated_id_param = "channelId",
       .access_level = AccessLevel::control,
       .run = originate},
      {.name = "play",
       .parameters =
           parameters_of_either("channels.play", "bridges.play", {{.name = "wait", .type = Type::boolean}}),
       .answer = answer_of("channels.play"),
       .operations = {"channels.play", "bridges.play"},
       .generated_id_param = "playbackId",
       .access_level = AccessLevel::control,
       .run = play},
      {.name = "record",
       .parameters = parameters_of_either("channels.record", "bridges.record",
                                          {{.name = "wait", .type = Type::boolean}}),
       .answer = answer_of("channels.record"),
       .operations = {"channels.record", "bridges.record"},
       .access_level = AccessLevel::control,
       .run = record_media},
      {.name = "transfer",
       .parameters =
           [] {
             auto all = parameters_of_either("channels.redirect", "channels.continueInDialplan");
             for (Parameter& parameter : all) parameter.required = parameter.name == "channelId";
             return all;
           }(),
       .answer = answer_of("channels.redirect"),
       .operations = {"channels.redirect", "channels.continueInDialplan"},
       .access_level = AccessLevel::control,
       .run = transfer},
  };
}

}  // namespace aribus::control
