// Who may do what.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "base/result.h"
#include "control/method.h"
#include "json/json.h"

namespace aribus::control {

// The names that stand for many: of methods, what each reaches (Method::access_level); of functions, those
// that touch nothing but the call.
inline constexpr std::string_view method_sets[] = {"read", "control",
                                                   "admin"};  // in the order of AccessLevel
inline constexpr std::string_view call_functions = "call";

// Who is at the other end of a connection, as the kernel tells: the process that connected, whoever has the
// socket now.
struct Peer {
  uid_t uid = 0;
  gid_t gid = 0;
  pid_t pid = 0;
  std::vector<gid_t> groups = {};  // the supplementary ones
  std::string socket = {};         // the path that it connected to
};

// Whom it holds for, and what those may do. Of the lists of whom it holds for an empty one asks for nothing;
// values of one are or-ed, the lists and-ed.
struct AccessRule {
  std::string name;
  std::vector<uid_t> users = {};
  std::vector<gid_t> groups = {};  // primary or supplementary
  std::vector<std::string> sockets = {};

  std::vector<std::string> methods = {};                            // globs (glob(7)) and method_sets
  std::vector<std::string> exclude_methods = {};                    // likewise
  std::vector<std::string> functions{std::string(call_functions)};  // globs of dialplan functions, or "call"
  std::vector<std::string> types = {};                              // globs; none: all
  std::vector<std::string> exclude_types = {};
  std::vector<std::string> apps = {};  // none: all; "" for what is in none
  size_t connections = 0;              // of one user at a time; 0: no bound of its own
  size_t commands_per_second = 0;      // of one user, over all its connections; 0: unbounded

  [[nodiscard]] bool holds_for(const Peer& peer) const;
  // Whoever `other` holds for, this one holds for, too.
  [[nodiscard]] bool covers(const AccessRule& other) const;
  [[nodiscard]] bool allows(const Method& method) const;
  // The operation, one of "control", without looking at its parameters.
  [[nodiscard]] bool allows_control_of(std::string_view operation) const;
  [[nodiscard]] bool allows_function(std::string_view name) const;
  // Likewise, by its name or a glob: not by "call", which allows harmless uses alone.
  [[nodiscard]] bool names_function(std::string_view name) const;
  [[nodiscard]] bool sees_app(std::string_view app) const;
  // It allows the whole of "admin".
  [[nodiscard]] bool is_admin() const;

  bool operator==(const AccessRule&) const = default;
};

// A peer and its rule.
struct Caller {
  Peer peer;
  std::string user;  // the name of peer.uid, or "" while it is not known
  std::shared_ptr<const AccessRule> rule;
  uint64_t connection = 0;   // its number; 0: none that could end
  std::string program = {};  // what the process was called when it connected (/proc/PID/comm), or ""
};

// All rules, of which the first that holds for a peer decides. A value: to change the rules is to replace it.
class Access {
 public:
  // Nobody may do anything.
  Access() = default;
  explicit Access(std::vector<AccessRule> rules);
  // What holds where nothing is said: root and the user of this process may do everything, others "read" and
  // "control".
  [[nodiscard]] static Access standard();

  // nullptr when none holds.
  [[nodiscard]] std::shared_ptr<const AccessRule> rule_for(const Peer& peer) const;
  [[nodiscard]] const std::vector<std::shared_ptr<const AccessRule>>& rules() const { return rules_; }
  // The same rules in the same order.
  [[nodiscard]] bool operator==(const Access& other) const;

 private:
  std::vector<std::shared_ptr<const AccessRule>> rules_;
};

// `rule` lets `method` be called with `params`, of whatever form these are.
// Errors: not_allowed, with the rule's name in `data`.
[[nodiscard]] Result<void> check_access(const AccessRule& rule, const Method& method,
                                        const JsonValue& params);

// Whether `entries`, globs and method_sets, name `method`.
[[nodiscard]] bool lists(const std::vector<std::string>& entries, const Method& method);

// An error of kind not_allowed; `rule` is the name of the one that says so, or "" where none holds.
[[nodiscard]] Error not_allowed(std::string message, std::string_view rule);

}  // namespace aribus::control
