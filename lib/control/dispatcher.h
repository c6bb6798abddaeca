// Calls methods on behalf of programs.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "control/bounds.h"
#include "control/call_counts.h"
#include "control/command_context.h"
#include "control/idempotency.h"
#include "control/method.h"
#include "control/method_table.h"
#include "json/json.h"
#include "pbx/assignments.h"
#include "state/id_directory.h"

namespace aribus::control {

// Takes a command from its name to its answer. The steps, in this order:
//
//   begin()     copies the parameters, and takes `server` and `key` out of them
//   check()     access rule, choice of the Asterisk, parameters, whose call it is: what is refused before anything
//               is sent
//   run()       idempotency key, generated id, audit, what `bound_commands` reaches; then the method itself, whose
//               requests are refused at the last moment if the call has got another owner
//   runs complete()  the one end of every command: audit, answer to repeats, counts, answer
//
// One per daemon, on the loop's thread; the method table must outlive it, and it must outlive all replies.
class Dispatcher {
 public:
  // `assignments`: of calls to members of groups; nullptr: there are no groups. It outlives the dispatcher.
  explicit Dispatcher(const MethodTable& methods, pbx::Assignments* assignments = nullptr)
      : methods_(methods), assignments_(assignments) {}

  // Commands can go to `server` from now on. It must stay until it is removed.
  void add_server(pbx::Server& server);
  // Required: it was closed, and no command for it is in progress.
  void remove_server(const pbx::Server& server);

  // A command of `caller`: `method` is the one called `name`, or nullptr if there is none.
  [[nodiscard]] static std::shared_ptr<CommandContext> begin(const Caller& caller, const Method* method,
                                                             const std::string& name,
                                                             const JsonValue& params);
  // Whether `command` can be sent, now: rules, Asterisks and live objects may have changed when the loop
  // turns. Errors: unknown_method, not_allowed, invalid_params, not_owner.
  [[nodiscard]] Result<void> check(CommandContext& command) const;
  // Runs it. Its `reply` is called once, at once or later; nothing of its `progress` is called after it.
  void run(const std::shared_ptr<CommandContext>& command);
  // All of this for a command that waits for nothing.
  void call(const Caller& caller, const std::string& method, const JsonValue& params, pbx::Reply reply,
            Progress progress = {});

  // Whether the rule of `caller` allows `method`, whatever its parameters. Errors: unknown_method,
  // not_allowed.
  [[nodiscard]] Result<void> allows(const Caller& caller, std::string_view method) const;

  // The connection has ended: its commands stop waiting for events, except those with a key.
  void abandon(uint64_t connection);
  // The daemon stops: no command waits for events any longer.
  void stop_waiting();

  [[nodiscard]] const std::vector<pbx::Server*>& servers() const { return servers_; }
  // nullptr if there is none of that name.
  [[nodiscard]] pbx::Server* find_server(std::string_view name) const;
  [[nodiscard]] const MethodTable& methods() const { return methods_; }
  [[nodiscard]] pbx::Assignments* assignments() const { return assignments_; }
  // How the calls so far were answered; calls of unknown methods count under "unknown".
  [[nodiscard]] const CallCounters& calls() const { return calls_; }

 private:
  [[nodiscard]] Error unknown_method(std::string_view name) const;
  [[nodiscard]] Result<pbx::Server*> pick_server(const CommandContext& command) const;
  void send(const std::shared_ptr<CommandContext>& command);
  [[nodiscard]] bool is_fenced(const CommandContext& command) const;
  [[nodiscard]] Result<void> check_owner(const CommandContext& command) const;
  [[nodiscard]] Requester take_call(CommandContext& command);
  std::string generate_id(CommandContext& command, uint64_t fingerprint);
  [[nodiscard]] Result<void> take_bounds(CommandContext& command);
  void on_accepted(CommandContext& command);
  void on_answer(const std::shared_ptr<CommandContext>& command, Result<pbx::ResultText> answer);
  void complete(CommandContext& command, Result<pbx::ResultText> answer);
  void share_id_directory();

  const MethodTable& methods_;
  pbx::Assignments* assignments_;
  std::vector<pbx::Server*> servers_;
  CallCounters calls_;
  state::IdDirectory id_directory_;  // used with several servers
  IdempotencyStore idempotency_;
  Bounds bounds_;
};

}  // namespace aribus::control
