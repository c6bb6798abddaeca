// One access rule: who it applies to and what it grants.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "base/result.h"
#include "control/method.h"
#include "control/principal.h"
#include "json/json.h"

namespace aribus::control {

// Names for sets of methods, in the order of AccessLevel: all methods of that level.
inline constexpr std::string_view method_sets[] = {"read", "control", "admin"};

// Who a rule applies to and what it grants. An empty list of subjects (`users`, `groups`, `sockets`) matches
// everyone; a peer must match one entry of each list that is not empty.
struct AccessRule {
  std::string name;
  std::vector<uid_t> users = {};
  std::vector<gid_t> groups = {};  // primary or supplementary
  std::vector<std::string> sockets = {};

  std::vector<std::string> methods = {};          // globs (glob(7)) and method_sets
  std::vector<std::string> exclude_methods = {};  // likewise
  std::vector<std::string> functions{"call"};     // dialplan functions, see dialplan_functions.h
  std::vector<std::string> types = {};            // globs of record types; empty: all
  std::vector<std::string> exclude_types = {};
  std::vector<std::string> apps = {};  // empty: all; "" stands for records and objects of no application
  bool bound_commands = false;         // `apps` limits commands, too (bounds.h); then it has an application
  std::vector<std::string> contexts = {};  // of the dialplan, which commands may send calls to all the same
  std::vector<std::string> call_groups = {};  // globs of worker groups that may be joined; empty: all
  size_t connections = 0;                     // at a time, per user; 0: no limit of this rule's own
  size_t commands_per_second = 0;             // per user, over all its connections; 0: unlimited

  [[nodiscard]] bool holds_for(const Peer& peer) const;
  // This rule applies to every peer that `other` applies to.
  [[nodiscard]] bool covers(const AccessRule& other) const;
  // The rule allows calling `method`. A method that consists of several ARI operations (a verb) is excluded
  // together with any of them. With `bound_commands`, what can't be limited to applications is excluded.
  [[nodiscard]] bool allows(const Method& method) const;
  // The same for an ARI operation of level "control", by name.
  [[nodiscard]] bool allows_control_of(std::string_view operation) const;
  [[nodiscard]] bool allows_function(std::string_view name) const;
  [[nodiscard]] bool sees_app(std::string_view app) const;
  // `app` is an application in `apps`.
  [[nodiscard]] bool owns_app(std::string_view app) const;
  // A worker group may be joined, as far as its name says.
  [[nodiscard]] bool may_join(std::string_view group) const;
  // The rule allows all of "admin".
  [[nodiscard]] bool is_admin() const;

  bool operator==(const AccessRule&) const = default;
};

// Decides whether `rule` allows this call: the method, and in its parameters what reaches further than the
// method does (subscriptions to all objects of a kind; dialplan functions and special variables). `params`
// may be anything; they have not been checked yet. Errors: not_allowed, with the rule's name in `data`.
[[nodiscard]] Result<void> check_access(const AccessRule& rule, const Method& method,
                                        const JsonValue& params);

// Whether one of `entries` (globs and method_sets) matches `method`.
[[nodiscard]] bool lists(const std::vector<std::string>& entries, const Method& method);

// An error of kind not_allowed. `rule` is the name of the rule that refuses, or "" if no rule applies.
[[nodiscard]] Error not_allowed(std::string message, std::string_view rule);

}  // namespace aribus::control
