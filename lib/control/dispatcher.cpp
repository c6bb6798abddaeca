#include "control/dispatcher.h"

#include <algorithm>

#include "base/random.h"
#include "base/utf8.h"
#include "base/suggest.h"
#include "control/audit.h"
#include "control/methods/defaults.h"
#include "control/methods/new_objects.h"
#include "control/methods/state_methods.h"
#include "control/methods/verbs.h"
#include "control/named_ids.h"
#include "control/params.h"
#include "control/server_choice.h"
#include "pbx/creating_operations.h"
#include "record/answer.h"

namespace aribus::control {
namespace {

// Takes the member `key` out of `params`.
Result<void> take_key(Json& params, std::string& key) {
  const JsonValue* given = find(params, "key");
  if (given == nullptr) return {};
  if (!given->IsString() || given->GetStringLength() == 0 ||
      given->GetStringLength() > IdempotencyStore::max_key_bytes) {
    return wrong_param(
        "key", "a string of 1 to " + std::to_string(IdempotencyStore::max_key_bytes) + " bytes", given);
  }
  key = as_view(*given);
  params.RemoveMember("key");
  return {};
}

// The id that the operation takes and can do without.
std::string_view chosen_id(const ari::Operation& operation) {
  const pbx::CreatingOperation* creates = pbx::find_creating_operation(operation.name);
  return creates == nullptr || operation.find(creates->id)->required ? std::string_view() : creates->id;
}

// Of asterisk.* more than looking, and the objects of its configuration, passwords among them; and what keeps
// from all programs what they hear.
AccessLevel access_level_of(const ari::Operation& operation) {
  const bool looks = operation.method == "GET";
  if (operation.name == "asterisk.getObject" || operation.name == "applications.filter" ||
      operation.name == "applications.unsubscribe") {
    return AccessLevel::admin;
  }
  if (operation.name.starts_with("asterisk.") && !looks) return AccessLevel::admin;
  return looks ? AccessLevel::read : AccessLevel::control;
}

Method method_of(const ari::Operation& operation) {
  return {.name = std::string(operation.name),
          .parameters = method_parameters(operation),
          .answer = operation.answer,
          .operations = {operation.name},
          .generated_id_param = chosen_id(operation),
          .access_level = access_level_of(operation),
          .run = [&operation](Call call) {
            call_prepared(call.upstream, operation, std::move(call.params), call.requester, call.reply);
          }};
}

}  // namespace

Dispatcher::Dispatcher() {
  for (const ari::Operation& operation : ari::operations()) add(method_of(operation));
  for (Method& verb : verbs()) add(std::move(verb));
}

void Dispatcher::add(Method method) {
  methods_.insert_or_assign(method.name, std::move(method));
}

void Dispatcher::add_server(pbx::Server& server) {
  servers_.push_back(&server);
  server.on_resolved([this](const std::string& command, std::string_view outcome) {
    idempotency_.resolve(command, outcome);
  });
  share_id_directory();
}

void Dispatcher::remove_server(const pbx::Server& server) {
  id_directory_.forget(server.name());
  std::erase(servers_, &server);
  share_id_directory();
}

// With a single server nobody asks the directory.
void Dispatcher::share_id_directory() {
  for (pbx::Server* server : servers_)
    server->set_id_directory(servers_.size() > 1 ? &id_directory_ : nullptr);
}

std::vector<pbx::Server*> Dispatcher::open_servers() const {
  std::vector<pbx::Server*> open;
  for (const auto& server : servers_) {
    if (!server->closed()) open.push_back(server);
  }
  return open;
}

void Dispatcher::abandon(uint64_t connection) {
  for (const auto& server : servers_) server->waiters().abandon(connection);
}

void Dispatcher::stop_waiting() {
  for (const auto& server : servers_) {
    server->waiters().lose_all("aribusd was stopped while the end was waited for");
  }
}

Result<std::vector<std::string>> Dispatcher::keys_of(const JsonValue& params) {
  std::vector<std::string> keys;
  size_t longest = 0;
  bool plain = true;
  for (const NamedId& id : named_ids(params)) {
    longest = std::max(longest, id.text.size());
    plain &= std::ranges::none_of(id.text, [](unsigned char c) { return c < ' ' || c == 0x7F; });
    keys.push_back(std::to_string(static_cast<int>(id.kind)) + ":" + std::string(id.text));
  }
  const auto wrong = [](const std::string& what) {
    return Error{ErrorKind::invalid_params, "params: " + what + " are expected", {}};
  };
  if (keys.size() > max_ids) {
    return wrong(std::to_string(keys.size()) + " ids are named; at most " + std::to_string(max_ids));
  }
  if (longest > record::max_id_bytes) {
    return wrong("an id has " + std::to_string(longest) + " bytes; at most " +
                 std::to_string(record::max_id_bytes));
  }
  // Asterisk would put a line's end into a header of its answer as it is.
  if (!plain) return wrong("an id holds a control character, as a line's end; ids without one");
  return keys;
}

std::vector<std::string_view> Dispatcher::method_names() const {
  std::vector<std::string_view> names;
  for (const auto& [name, method] : methods_) names.push_back(name);
  return names;
}

Result<pbx::Server*> Dispatcher::pick_server(const Caller& caller, const Method& method,
                                             const JsonValue& params) const {
  const std::vector<pbx::Server*> servers = open_servers();
  if (const JsonValue* given = find(params, "server")) {
    if (!given->IsString()) return wrong_param("server", "a string", given);
    std::vector<std::string_view> names;
    for (pbx::Server* server : servers) {
      if (server->name() == as_view(*given)) return server;
      names.push_back(server->name());
    }
    Error error = wrong_param("server", "one of " + join(names), given);
    error.message += did_you_mean(as_view(*given), names);
    return error;
  }
  if (servers.size() == 1) return servers.front();
  return choose_server(servers, id_directory_, method, params,
                       [&](const pbx::Server& server, record::IdKind kind, std::string_view id) {
                         return sees_id(*this, server.name(), kind, id, *caller.rule);
                       });
}

Result<const Method*> Dispatcher::find_allowed(const Caller& caller, const std::string& name,
                                               const JsonValue& params) const {
  const auto at = methods_.find(name);
  if (at == methods_.end()) {
    return Error{ErrorKind::unknown_method,
                 "no method '" + to_valid_utf8(name, 64) + "'" + did_you_mean(name, method_names()),
                 {}};
  }
  if (auto checked = check_access(*caller.rule, at->second, params); !checked) return checked.error();
  return &at->second;
}

Result<const Method*> Dispatcher::allowed(const Caller& caller, const std::string& name,
                                          const JsonValue& params) const {
  Result<const Method*> found = find_allowed(caller, name, params);
  if (!found && found.error().kind == ErrorKind::not_allowed) {
    audit_refused(caller, methods_.find(name)->second, params, found.error());
  }
  return found;
}

Result<void> Dispatcher::check(const Caller& caller, const std::string& name, const JsonValue& params) const {
  const Result<const Method*> found = find_allowed(caller, name, params);
  if (!found) return found.error();
  if (!(*found)->run) return check_params((*found)->parameters, params);
  if (const Result<pbx::Server*> upstream = pick_server(caller, **found, params); !upstream)
    return upstream.error();
  Result<Arguments> arguments = arguments_of(**found, params);
  return arguments ? Result<void>() : Result<void>(arguments.error());
}

bool Dispatcher::changes(const std::string& name) const {
  const auto at = methods_.find(name);
  return at != methods_.end() && at->second.access_level != AccessLevel::read;
}

// What is the method's own of `params`, checked, and the key. Errors: invalid_params.
Result<Dispatcher::Arguments> Dispatcher::arguments_of(const Method& method, const JsonValue& params) {
  Arguments arguments{params.IsNull() ? Json(rapidjson::kObjectType) : copy_of(params), {}};
  if (arguments.params.IsObject()) {
    arguments.params.RemoveMember("server");
    if (auto checked = take_key(arguments.params, arguments.key); !checked) return checked.error();
  }
  if (auto checked = check_params(method.parameters, arguments.params); !checked) return checked.error();
  return arguments;
}

void Dispatcher::call(const Caller& caller, const std::string& name, const JsonValue& params,
                      pbx::Reply reply, Progress progress) {
  // How long a call or a recording lasts says nothing of how quick Asterisk is.
  const bool is_timed = !params.IsObject() || !waits_for_end(params);
  reply = counting(methods_.contains(name) ? name : "unknown", is_timed, std::move(reply));
  const Result<const Method*> found = allowed(caller, name, params);
  if (!found) return reply(found.error());
  const Method& method = **found;
  if (method.run_here) {
    if (auto checked = check_params(method.parameters, params); !checked) return reply(checked.error());
    return reply(method.run_here(params, caller));
  }
  if (method.run_later) {
    if (auto checked = check_params(method.parameters, params); !checked) return reply(checked.error());
    return method.run_later(params, audited(caller, method, "", params, std::move(reply)));
  }
  if (!method.run) return reply(Error{ErrorKind::internal, name + " is answered by connections only", {}});
  run(caller, method, params, std::move(reply), std::move(progress));
}

pbx::Reply Dispatcher::counting(const std::string& method, bool is_timed, pbx::Reply reply) {
  using Clock = std::chrono::steady_clock;
  return [&counts = calls_[method], is_timed, began = Clock::now(),
          reply = std::move(reply)](Result<pbx::ResultText> answer) {
    if (is_timed)
      counts.took.add(std::chrono::duration_cast<DurationHistogram::Duration>(Clock::now() - began));
    answer ? ++counts.done : ++counts.failed[answer.error().kind];
    reply(std::move(answer));
  };
}

// Carries out a command for an Asterisk, unless it is a repeat.
void Dispatcher::run(const Caller& caller, const Method& method, const JsonValue& params, pbx::Reply reply,
                     Progress progress) {
  Result<pbx::Server*> upstream = pick_server(caller, method, params);
  if (!upstream) return reply(upstream.error());
  Result<Arguments> arguments = arguments_of(method, params);
  if (!arguments) return reply(arguments.error());
  Json& own_params = arguments->params;
  const std::string& key = arguments->key;
  const bool repeatable =
      !key.empty() && method.access_level != AccessLevel::read;  // reading twice is as good
  const auto now = std::chrono::steady_clock::now();
  const uint64_t fingerprint =
      repeatable ? fingerprint_of((*upstream)->name() + "\n" + method.name, own_params) : 0;
  std::string id;
  if (!method.generated_id_param.empty() && find(own_params, method.generated_id_param) == nullptr) {
    if (repeatable) id = idempotency_.id_of(caller.peer.uid, key, fingerprint, now);
    if (id.empty()) id = "aribus-" + random_hex(8);
    progress.creating({method.generated_id_param, id, waits_for_end(own_params)});
    set_member(own_params, method.generated_id_param, id);
  } else if (makes_bridge(method, own_params) && find(own_params, "bridgeId") == nullptr) {
    progress.creating({});  // Asterisk chooses it
  }
  if (repeatable) {
    auto first = idempotency_.begin(caller.peer.uid, key, fingerprint, std::move(reply), now, std::move(id));
    // What follows a repeat goes on when the first has reached Asterisk.
    if (!first)
      return idempotency_.when_accepted(caller.peer.uid, key, fingerprint, std::move(progress.on_accepted));
    reply = std::move(*first);
    progress.on_accepted = [this, user = caller.peer.uid, key,
                            on_accepted = std::move(progress.on_accepted)] {
      idempotency_.accepted(user, key);
      on_accepted();
    };
  }
  if (servers_.size() > 1 && method.access_level != AccessLevel::read)
    reply = learning(**upstream, std::move(reply));
  reply = audited(caller, method, (*upstream)->name(), own_params, std::move(reply));
  const Requester requester{
      .user = caller.peer.uid, .connection = caller.connection, .admin = caller.rule->is_admin()};
  if (makes_bridge(method, own_params)) {
    const auto& apps = (*upstream)->client().options().apps;
    const auto app = std::ranges::find_if(
        apps, [&](const auto& one) { return caller.rule->sees_app(one) && (*upstream)->hears(one); });
    if (app != apps.end()) reply = asking_for_bridge(**upstream, *app, requester, std::move(reply));
  }
  method.run({**upstream, std::move(own_params), requester, key.empty() ? caller.connection : 0,
              std::move(reply), std::move(progress.on_accepted)});
}

// Where a new thing lives is known from the answer on, even before its first event.
pbx::Reply Dispatcher::learning(const pbx::Server& upstream, pbx::Reply reply) {
  return [this, &upstream, reply = std::move(reply)](Result<pbx::ResultText> answer) {
    if (answer) {
      record::Record record;
      record.server = upstream.name();
      record::lift_ids(answer->plain(), record.ids);
      id_directory_.learn(record);
    }
    reply(std::move(answer));
  };
}

}  // namespace aribus::control
