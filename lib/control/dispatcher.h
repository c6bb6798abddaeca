// The methods that programs can call: ARI's operations, the verbs, and the daemon's own.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/duration_histogram.h"
#include "base/result.h"
#include "control/access.h"
#include "control/idempotency.h"
#include "control/method.h"
#include "control/methods/live_texts.h"
#include "json/json.h"
#include "state/id_directory.h"

namespace aribus::control {

// Knows the methods, checks their parameters, picks the Asterisk and forwards. Lives on the loop's thread; it
// must outlive the replies under way.
class Dispatcher {
 public:
  Dispatcher();

  // Commands can go to `server` from now on. It must stay until it is removed.
  void add_server(pbx::Server& server);
  // Required: it was closed, and no command for it is under way.
  void remove_server(const pbx::Server& server);
  // Adds a method of the daemon's own; one of the same name is replaced.
  void add(Method method);

  // What call() would refuse before anything is sent. Errors: as of allowed(), invalid_params.
  [[nodiscard]] Result<void> check(const Caller& caller, const std::string& method,
                                   const JsonValue& params) const;
  // It changes something.
  [[nodiscard]] bool changes(const std::string& method) const;

  // The method of that name, if `caller` may call it with `params`; every call goes through here.
  // Errors: unknown_method, not_allowed.
  [[nodiscard]] Result<const Method*> allowed(const Caller& caller, const std::string& method,
                                              const JsonValue& params) const;

  // Calls `method` with `params`, an object or null, for `caller`. `reply` comes once, at once or later; of
  // `progress` nothing comes after it.
  void call(const Caller& caller, const std::string& method, const JsonValue& params, pbx::Reply reply,
            Progress progress = {});

  // The connection has ended: of its commands, none waits any longer for the end of what it has begun, except
  // those with a key.
  void abandon(uint64_t connection);
  // The daemon stops: no command waits any longer for the end of what it has begun.
  void stop_waiting();

  // The ids of channels, bridges, playbacks and recordings that a command names, as opaque keys: two commands
  // that share one must reach Asterisk in the order in which they came. At most max_ids, each of at most
  // record::max_id_bytes. Errors: invalid_params.
  static constexpr size_t max_ids = 1024;
  [[nodiscard]] static Result<std::vector<std::string>> keys_of(const JsonValue& params);

  [[nodiscard]] const std::vector<pbx::Server*>& servers() const { return servers_; }
  // Texts of the live objects that several callers share.
  [[nodiscard]] LiveTexts& live_texts() const { return live_texts_; }

  // What became of the calls of a method.
  struct CallCounts {
    uint64_t done = 0;
    std::map<ErrorKind, uint64_t> failed;
    DurationHistogram took;  // until it was answered; of those without `wait`
  };
  // By name, of those that were called; of unknown methods under "unknown".
  [[nodiscard]] const std::map<std::string, CallCounts, std::less<>>& calls() const { return calls_; }
  // All methods, by name.
  [[nodiscard]] const std::map<std::string, Method, std::less<>>& methods() const { return methods_; }
  [[nodiscard]] std::vector<std::string_view> method_names() const;

 private:
  struct Arguments {
    Json params;
    std::string key;  // "": none
  };

  [[nodiscard]] Result<const Method*> find_allowed(const Caller& caller, const std::string& method,
                                                   const JsonValue& params) const;
  [[nodiscard]] static Result<Arguments> arguments_of(const Method& method, const JsonValue& params);
  [[nodiscard]] std::vector<pbx::Server*> open_servers() const;
  [[nodiscard]] Result<pbx::Server*> pick_server(const Caller& caller, const Method& method,
                                                 const JsonValue& params) const;
  void run(const Caller& caller, const Method& method, const JsonValue& params, pbx::Reply reply,
           Progress progress);
  [[nodiscard]] pbx::Reply counting(const std::string& method, bool is_timed, pbx::Reply reply);
  void share_id_directory();
  [[nodiscard]] pbx::Reply learning(const pbx::Server& upstream, pbx::Reply reply);

  std::vector<pbx::Server*> servers_;
  std::map<std::string, Method, std::less<>> methods_;
  std::map<std::string, CallCounts, std::less<>> calls_;
  state::IdDirectory id_directory_;
  IdempotencyStore idempotency_;
  mutable LiveTexts live_texts_;
};

}  // namespace aribus::control
