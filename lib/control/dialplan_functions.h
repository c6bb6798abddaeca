// Which dialplan functions and variables a command may use.
//
// Where ARI takes the name of a variable it also takes a dialplan function: channels.setChannelVar with
// "SHELL(…)" runs a program as Asterisk's user, FILE() reads its files, and "CHANNEL(hangup_handler_push)"
// sends the call to any place in the dialplan. Some plain variables have such effects, too (TRANSFER_CONTEXT,
// MIXMONITOR_EXEC). An access rule therefore lists the functions that its programs may use, `functions`:
// names or globs of functions, and "call", which stands for those that only read and change the call
// itself.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/json.h"

namespace aribus::control {

// Whether `entries` (`functions` of a rule) allow `function`, in any case of letters.
[[nodiscard]] bool allows_function(const std::vector<std::string>& entries, std::string_view function);

// Checks all the names of variables that one request reads or sets.
class VariableCheck {
 public:
  struct Policy {
    const std::vector<std::string>& functions;  // of the rule; must outlive the check
    bool sets = false;  // the request changes something: names of variables count, not functions alone
    bool may_continue = false;  // the rule allows channels.continueInDialplan, so places in the dialplan too
    bool is_bound = false;      // the rule has bound_commands
  };

  explicit VariableCheck(const Policy& policy) : policy_(policy) {}

  // Looks in `names`: a string, an array of them, or an object whose members are named by them. Returns the
  // first thing that is forbidden, in words for an error ("the dialplan function 'SHELL'"); nothing if all
  // are allowed.
  [[nodiscard]] std::optional<std::string> find_forbidden(const JsonValue& names);

 private:
  [[nodiscard]] std::optional<std::string> find_forbidden(std::string_view text);
  [[nodiscard]] bool allows(std::string_view function, std::string_view arguments) const;

  Policy policy_;
  size_t functions_ = 0;  // named so far
};

}  // namespace aribus::control
