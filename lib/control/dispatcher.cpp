#include "control/dispatcher.h"

#include <algorithm>

#include "base/random.h"
#include "base/suggest.h"
#include "base/utf8.h"
#include "control/audit.h"
#include "control/methods/new_objects.h"
#include "control/methods/waiting.h"
#include "control/params.h"
#include "control/server_choice.h"
#include "record/answer.h"

namespace aribus::control {
namespace {

// Moves the member `key` of `params` to `key`. Errors: invalid_params.
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

}  // namespace

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

const pbx::Server* Dispatcher::find_server(std::string_view name) const {
  const auto at = std::ranges::find_if(servers_, [&](const auto* server) { return server->name() == name; });
  return at == servers_.end() ? nullptr : *at;
}

void Dispatcher::abandon(uint64_t connection) {
  for (const auto& server : servers_) server->waiters().abandon(connection);
}

void Dispatcher::stop_waiting() {
  for (const auto& server : servers_) {
    server->waiters().lose_all("aribusd was stopped while the end was waited for");
  }
}

Result<pbx::Server*> Dispatcher::pick_server(const Caller& caller, const Method& method,
                                             const JsonValue& params) const {
  std::vector<pbx::Server*> open;
  for (pbx::Server* server : servers_) {
    if (!server->closed()) open.push_back(server);
  }
  return choose_server(open, id_directory_, method, params, *caller.rule);
}

Result<const Method*> Dispatcher::find_allowed(const Caller& caller, const std::string& name,
                                               const JsonValue& params) const {
  const Method* method = methods_.find(name);
  if (method == nullptr) {
    return Error{ErrorKind::unknown_method,
                 "no method '" + to_valid_utf8(name, 64) + "'" + did_you_mean(name, methods_.names()),
                 {}};
  }
  if (auto checked = check_access(*caller.rule, *method, params); !checked) return checked.error();
  return method;
}

Result<const Method*> Dispatcher::allowed(const Caller& caller, const std::string& name,
                                          const JsonValue& params) const {
  Result<const Method*> found = find_allowed(caller, name, params);
  if (!found && found.error().kind == ErrorKind::not_allowed) {
    audit_refused(caller, *methods_.find(name), params, found.error());
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
  const Method* method = methods_.find(name);
  return method != nullptr && method->access_level != AccessLevel::read;
}

// Separates `params` into the method's own parameters, checked, and the key. Errors: invalid_params.
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
  // With `wait` the time is that of a call or a recording, not Asterisk's.
  const bool is_timed = !params.IsObject() || !waits_for_end(params);
  reply = calls_.counting(methods_.find(name) != nullptr ? name : "unknown", is_timed, std::move(reply));
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

// Sends a command to an Asterisk, unless it is a repeat of an earlier one.
void Dispatcher::run(const Caller& caller, const Method& method, const JsonValue& params, pbx::Reply reply,
                     Progress progress) {
  Result<pbx::Server*> upstream = pick_server(caller, method, params);
  if (!upstream) return reply(upstream.error());
  Result<Arguments> arguments = arguments_of(method, params);
  if (!arguments) return reply(arguments.error());
  Json& own_params = arguments->params;
  const std::string& key = arguments->key;
  const bool repeatable =
      !key.empty() && method.access_level != AccessLevel::read;  // reading twice does no harm
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
    progress.creating({});  // Asterisk generates the id
  }
  if (repeatable) {
    auto first = idempotency_.begin(caller.peer.uid, key, fingerprint, std::move(reply), now, std::move(id));
    // Commands behind a repeat may be sent once Asterisk has accepted the first one.
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
    if (app != apps.end()) reply = subscribing_to_bridge(**upstream, *app, requester, std::move(reply));
  }
  method.run({**upstream, std::move(own_params), requester, key.empty() ? caller.connection : 0,
              std::move(reply), std::move(progress.on_accepted)});
}

// Notes on which server a new object is as soon as Asterisk answers, before its first event.
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
