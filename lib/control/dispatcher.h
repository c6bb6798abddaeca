// Calls methods on behalf of programs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "control/access_rule.h"
#include "control/call_counts.h"
#include "control/idempotency.h"
#include "control/method.h"
#include "control/method_table.h"
#include "control/methods/snapshot_cache.h"
#include "json/json.h"
#include "state/id_directory.h"

namespace aribus::control {

// Takes a call from its name to its reply: access rule, parameters, choice of the Asterisk, idempotency key,
// generated id, audit; then the method itself runs. One per daemon, on the loop's thread; the method table
// must outlive it, and it must outlive all replies.
class Dispatcher {
 public:
  explicit Dispatcher(const MethodTable& methods) : methods_(methods) {}

  // Commands can go to `server` from now on. It must stay until it is removed.
  void add_server(pbx::Server& server);
  // Required: it was closed, and no command for it is in progress.
  void remove_server(const pbx::Server& server);

  // What call() would refuse before anything is sent. Errors: those of allowed(), invalid_params.
  [[nodiscard]] Result<void> check(const Caller& caller, const std::string& method,
                                   const JsonValue& params) const;
  // The method changes something (its level is not "read").
  [[nodiscard]] bool changes(const std::string& method) const;

  // The method of that name, if `caller` may call it with `params`. Every call passes through here; refusals
  // are audited. Errors: unknown_method, not_allowed.
  [[nodiscard]] Result<const Method*> allowed(const Caller& caller, const std::string& method,
                                              const JsonValue& params) const;

  // Calls `method` with `params`, an object or null, for `caller`. `reply` is called once, at once or later;
  // nothing of `progress` is called after it.
  void call(const Caller& caller, const std::string& method, const JsonValue& params, pbx::Reply reply,
            Progress progress = {});

  // The connection has ended: its commands stop waiting for events, except those with a key.
  void abandon(uint64_t connection);
  // The daemon stops: no command waits for events any longer.
  void stop_waiting();

  [[nodiscard]] const std::vector<pbx::Server*>& servers() const { return servers_; }
  // nullptr if there is none of that name.
  [[nodiscard]] const pbx::Server* find_server(std::string_view name) const;
  [[nodiscard]] const MethodTable& methods() const { return methods_; }
  // Snapshots of the live objects that several callers share.
  [[nodiscard]] SnapshotCache& snapshots() const { return snapshots_; }
  // How the calls so far were answered; calls of unknown methods count under "unknown".
  [[nodiscard]] const CallCounters& calls() const { return calls_; }

 private:
  struct Arguments {
    Json params;
    std::string key;  // "": none
  };

  [[nodiscard]] Result<const Method*> find_allowed(const Caller& caller, const std::string& method,
                                                   const JsonValue& params) const;
  [[nodiscard]] static Result<Arguments> arguments_of(const Method& method, const JsonValue& params);
  [[nodiscard]] Result<pbx::Server*> pick_server(const Caller& caller, const Method& method,
                                                 const JsonValue& params) const;
  void run(const Caller& caller, const Method& method, const JsonValue& params, pbx::Reply reply,
           Progress progress);
  void share_id_directory();
  [[nodiscard]] pbx::Reply learning(const pbx::Server& upstream, pbx::Reply reply);

  const MethodTable& methods_;
  std::vector<pbx::Server*> servers_;
  CallCounters calls_;
  state::IdDirectory id_directory_;  // used with several servers
  IdempotencyStore idempotency_;
  mutable SnapshotCache snapshots_;
};

}  // namespace aribus::control
