#include "control/dispatcher.h"

#include <algorithm>

#include "base/random.h"
#include "base/suggest.h"
#include "base/utf8.h"
#include "control/audit.h"
#include "control/concerned_calls.h"
#include "control/methods/new_objects.h"
#include "control/methods/waiting.h"
#include "control/params.h"
#include "control/server_choice.h"
#include "json/json_tape.h"

namespace aribus::control {
namespace {

// Moves a member out of `params`; nothing if it is not there.
std::optional<Json> take_member(Json& params, std::string_view name) {
  if (!params.IsObject()) return {};
  const JsonValue* given = find(params, name);
  if (given == nullptr) return {};
  Json taken = copy_of(*given);
  params.RemoveMember(std::string(name).c_str());
  return taken;
}

Requester requester_of(const Caller& caller) {
  return {.user = caller.principal.id,
          .connection = caller.connection,
          .admin = caller.principal.rule->is_admin()};
}

// Errors: invalid_params.
Result<std::optional<uint64_t>> read_epoch(const std::optional<Json>& given) {
  if (!given) return std::optional<uint64_t>();
  if (!given->IsUint64()) return wrong_param("epoch", "the epoch of the call's `assigned`, a whole number", &*given);
  return std::optional(given->GetUint64());
}

// Errors: invalid_params.
Result<std::string> read_key(const std::optional<Json>& given) {
  if (!given) return std::string();
  if (!given->IsString() || given->GetStringLength() == 0 ||
      given->GetStringLength() > IdempotencyStore::max_key_bytes) {
    return wrong_param(
        "key", "a string of 1 to " + std::to_string(IdempotencyStore::max_key_bytes) + " bytes", &*given);
  }
  return std::string(as_view(*given));
}

}  // namespace

void Dispatcher::add_server(pbx::Server& server) {
  servers_.push_back(&server);
  server.on_resolved([this](const std::string& command, std::string_view outcome) {
    idempotency_.resolve(command, outcome);
  });
  if (assignments_ != nullptr) assignments_->add(server);
  share_id_directory();
}

void Dispatcher::remove_server(const pbx::Server& server) {
  id_directory_.forget(server.name());
  if (assignments_ != nullptr) assignments_->remove(server);
  std::erase(servers_, &server);
  share_id_directory();
}

// With a single server nobody asks the directory.
void Dispatcher::share_id_directory() {
  for (pbx::Server* server : servers_)
    server->set_id_directory(servers_.size() > 1 ? &id_directory_ : nullptr);
}

pbx::Server* Dispatcher::find_server(std::string_view name) const {
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

Error Dispatcher::unknown_method(std::string_view name) const {
  return Error{ErrorKind::unknown_method,
               "no method '" + to_valid_utf8(name, 64) + "'" + did_you_mean(name, methods_.names()),
               {}};
}

Result<void> Dispatcher::allows(const Caller& caller, std::string_view name) const {
  const Method* method = methods_.find(name);
  return method == nullptr ? unknown_method(name)
                           : check_access(*caller.principal.rule, *method, JsonValue());
}

Result<pbx::Server*> Dispatcher::pick_server(const CommandContext& command) const {
  std::vector<pbx::Server*> open;
  for (pbx::Server* server : servers_) {
    if (!server->closed()) open.push_back(server);
  }
  const JsonValue* named = command.server_param ? &*command.server_param : nullptr;
  return choose_server(open, id_directory_, *command.method, named, command.params,
                       *command.caller.principal.rule, bounds_);
}

std::shared_ptr<CommandContext> Dispatcher::begin(const Caller& caller, const Method* method,
                                                  const std::string& name, const JsonValue& params) {
  auto command = std::make_shared<CommandContext>();
  command->caller = caller;
  command->name = name;
  command->method = method;
  if (!params.IsNull()) command->params = copy_of(params);
  if (method != nullptr && method->run) {
    command->server_param = take_member(command->params, "server");
    command->key_param = take_member(command->params, "key");
    command->epoch_param = take_member(command->params, "epoch");
  }
  return command;
}

Result<void> Dispatcher::check(CommandContext& command) const {
  if (command.method == nullptr) return unknown_method(command.name);
  const Method& method = *command.method;
  if (auto allowed = check_access(*command.caller.principal.rule, method, command.params); !allowed)
    return allowed;
  if (method.run) {
    Result<pbx::Server*> server = pick_server(command);
    if (!server) return server.error();
    Result<std::string> key = read_key(command.key_param);
    if (!key) return key.error();
    const Result<std::optional<uint64_t>> epoch = read_epoch(command.epoch_param);
    if (!epoch) return epoch.error();
    command.server = *server;
    command.epoch = *epoch;
    command.key = std::move(*key);
    // Another rule of the same user may have used the same key.
    const AccessRule& rule = *command.caller.principal.rule;
    if (rule.bound_commands && !command.key.empty()) command.key = rule.name + '\0' + command.key;
  }
  if (auto right = check_params(method.parameters, command.params); !right) return right;
  if (is_fenced(command)) {
    if (auto owns = check_owner(command); !owns) return owns;
  }
  command.checked = true;
  return {};
}

// Reads are open to everybody.
bool Dispatcher::is_fenced(const CommandContext& command) const {
  return assignments_ != nullptr && assignments_->is_in_use() && command.method->run && command.changes() &&
         command.caller.connection != 0;
}

Result<void> Dispatcher::check_owner(const CommandContext& command) const {
  return assignments_->check(*command.server, command.caller.connection,
                             concerned_calls(*command.server, *command.method, command.params),
                             command.epoch);
}

// The command is being sent: its owner has accepted the call by it. Whoever owns it no longer when a request has
// waited for a connection is refused then.
Requester Dispatcher::take_call(CommandContext& command) {
  Requester requester = requester_of(command.caller);
  if (!is_fenced(command)) return requester;
  const uint64_t connection = command.caller.connection;
  pbx::Assignments::Concerned about = concerned_calls(*command.server, *command.method, command.params);
  if (about.calls.empty() && about.bridges.empty()) return requester;
  command.call_command = assignments_->commanded(connection, about, command.method->name);
  requester.check = std::make_shared<const Requester::Check>(
      assignments_->check_again(*command.server, connection, std::move(about), command.epoch));
  return requester;
}

void Dispatcher::call(const Caller& caller, const std::string& method, const JsonValue& params,
                      pbx::Reply reply, Progress progress) {
  const std::shared_ptr<CommandContext> command = begin(caller, methods_.find(method), method, params);
  command->reply = std::move(reply);
  command->progress = std::move(progress);
  run(command);
}

void Dispatcher::run(const std::shared_ptr<CommandContext>& command) {
  command->began = CommandContext::Clock::now();
  command->is_timed = !command->params.IsObject() || !waits_for_end(command->params);
  if (!command->checked) {
    if (auto right = check(*command); !right) {
      if (right.error().kind == ErrorKind::not_allowed)
        audit_refused(command->caller, *command->method, command->params, right.error());
      return complete(*command, right.error());
    }
  }
  const Method& method = *command->method;
  if (method.run_here) return complete(*command, method.run_here(command->params, command->caller));
  if (method.run) return send(command);
  command->audit = AuditEntry::begin(command->caller, method, "", command->params);
  method.run_later(command->params, [this, command](Result<pbx::ResultText> answer) {
    complete(*command, std::move(answer));
  });
}

// Sends a command to an Asterisk, unless it is a repeat of an earlier one.
void Dispatcher::send(const std::shared_ptr<CommandContext>& command) {
  const Method& method = *command->method;
  pbx::Server& server = *command->server;
  const PrincipalId user = command->caller.principal.id;
  const auto now = command->began;
  if (command->params.IsNull()) command->params.SetObject();
  command->server_param.reset();
  command->key_param.reset();
  command->epoch_param.reset();
  const bool is_remembered = !command->key.empty() && command->changes();  // reading twice does no harm
  const uint64_t fingerprint =
      is_remembered ? fingerprint_of(server.name() + "\n" + method.name, command->params) : 0;
  std::string id = generate_id(*command, fingerprint);
  if (is_remembered) {
    const auto as_repeat = [this, command](Result<pbx::ResultText> answer) {
      complete(*command, std::move(answer));
    };
    if (!idempotency_.begin(user, command->key, fingerprint, as_repeat, now, std::move(id))) {
      command->params = Json();  // a repeat may wait for long
      // Commands behind a repeat may be sent once Asterisk has accepted the first one.
      return idempotency_.when_accepted(user, command->key, fingerprint, command->progress.on_accepted);
    }
    command->remembered = true;
  }
  command->audit = AuditEntry::begin(command->caller, method, server.name(), command->params);
  if (command->caller.principal.rule->bound_commands) {
    if (auto right = take_bounds(*command); !right) return complete(*command, right.error());
  }
  command->makes_bridge = makes_bridge(method, command->params);
  if (command->makes_bridge) {
    const auto& apps = server.client().options().apps;
    const auto app = std::ranges::find_if(apps, [&](const auto& one) {
      return command->caller.principal.rule->sees_app(one) && server.hears(one);
    });
    if (app != apps.end()) command->bridge_app = *app;
    command->latest_before = server.model().latest();
  }
  Requester requester = take_call(*command);
  method.run({server, std::move(command->params), std::move(requester),
              command->key.empty() ? command->caller.connection : 0,
              [this, command](Result<pbx::ResultText> answer) { on_answer(command, std::move(answer)); },
              [this, command] { on_accepted(*command); }});
}

// Checks a command of a rule with `bound_commands`, just before it is sent. A repeat never comes here: it
// gets what the first one got.
Result<void> Dispatcher::take_bounds(CommandContext& command) {
  const AccessRule& rule = *command.caller.principal.rule;
  if (auto right =
          bounds_.check(rule, *command.server, *command.method, command.params, command.generated_id);
      !right)
    return right;
  if (makes_bridge(*command.method, command.params)) {
    command.bridge = find_string(command.params, "bridgeId");
    bounds_.creating_bridge(rule, *command.server, command.bridge);
  }
  if (!command.changes()) command.asked = copy_of(command.params);
  return {};
}

// Gives what the command creates an id, if the caller gave none; a repeat gets that of the first one, which
// has `fingerprint` (0: it is not remembered). Returns it, or "" if the caller or Asterisk chooses it.
std::string Dispatcher::generate_id(CommandContext& command, uint64_t fingerprint) {
  const Method& method = *command.method;
  if (!method.generated_id_param.empty() && find(command.params, method.generated_id_param) == nullptr) {
    std::string id;
    if (fingerprint != 0)
      id = idempotency_.id_of(command.caller.principal.id, command.key, fingerprint, command.began);
    if (id.empty()) id = "aribus-" + random_hex(8);
    command.generated_id = id;
    command.progress.creating({method.generated_id_param, id, waits_for_end(command.params)});
    set_member(command.params, method.generated_id_param, id);
    return id;
  }
  if (makes_bridge(method, command.params) && find(command.params, "bridgeId") == nullptr)
    command.progress.creating({});  // Asterisk generates the id
  return {};
}

// Asterisk has accepted a command that is answered later.
void Dispatcher::on_accepted(CommandContext& command) {
  if (command.call_command != 0) assignments_->accepted(command.call_command);
  if (command.remembered) idempotency_.accepted(command.caller.principal.id, command.key);
  command.progress.on_accepted();
}

// Asterisk, or the method, has answered.
void Dispatcher::on_answer(const std::shared_ptr<CommandContext>& command, Result<pbx::ResultText> answer) {
  if (answer && command->changes()) command->server->learn_places(answer->plain());
  if (answer && !command->changes() && command->caller.principal.rule->bound_commands) {
    answer = bounds_.limit(*command->caller.principal.rule, *command->server, *command->method,
                           command->asked, std::move(*answer));
  }
  if (!command->bridge.empty()) bounds_.created_bridge(*command->server, command->bridge, answer);
  if (answer && command->makes_bridge && is_fenced(*command)) {
    JsonTape tape;
    const JsonView bridge = tape.read(answer->plain());
    if (bridge.valid() && bridge.kind() == JsonKind::object)
      assignments_->created_bridge(*command->server, command->caller.connection, bridge.string_at("id"));
  }
  if (!answer || command->bridge_app.empty()) return complete(*command, std::move(answer));
  subscribe_to_bridge(*command->server, command->bridge_app, command->latest_before,
                      requester_of(command->caller), std::move(*answer),
                      [this, command](Result<pbx::ResultText> same) { complete(*command, std::move(same)); });
}

void Dispatcher::complete(CommandContext& command, Result<pbx::ResultText> answer) {
  const auto now = CommandContext::Clock::now();
  if (command.call_command != 0) {
    if (answer) assignments_->accepted(command.call_command);
    assignments_->answered(command.call_command);
  }
  if (command.audit) command.audit->finish(answer);
  if (command.remembered) idempotency_.finish(command.caller.principal.id, command.key, answer, now);
  const auto took = std::chrono::duration_cast<DurationHistogram::Duration>(now - command.began);
  calls_.count(command.method == nullptr ? "unknown" : command.name, answer,
               command.is_timed ? std::optional(took) : std::nullopt);
  command.reply(std::move(answer));
}

}  // namespace aribus::control
