#include "control/access_rule.h"

#include <algorithm>
#include <optional>

#include "base/glob.h"
#include "control/bounds.h"
#include "control/dialplan_functions.h"

namespace aribus::control {
namespace {

template <typename Value>
bool holds(const std::vector<Value>& values, const Value& wanted) {
  return std::ranges::find(values, wanted) != values.end();
}

bool names(const std::vector<std::string>& globs, std::string_view name) {
  return std::ranges::any_of(globs,
                             [&](const std::string& glob) { return matches_glob(glob, std::string(name)); });
}

std::string set_of(AccessLevel level) {
  return std::string(method_sets[static_cast<size_t>(level)]);
}

template <typename Value>
bool covers_list(const std::vector<Value>& wide, const std::vector<Value>& narrow) {
  return wide.empty() || (!narrow.empty() && std::ranges::all_of(narrow, [&](const Value& value) {
           return holds(wide, value);
         }));
}

}  // namespace

bool AccessRule::holds_for(const Peer& peer) const {
  const auto in_group = [&](gid_t group) { return group == peer.gid || holds(peer.groups, group); };
  return (users.empty() || holds(users, peer.uid)) &&
         (groups.empty() || std::ranges::any_of(groups, in_group)) &&
         (sockets.empty() || holds(sockets, peer.socket));
}

bool AccessRule::covers(const AccessRule& other) const {
  return covers_list(users, other.users) && covers_list(groups, other.groups) &&
         covers_list(sockets, other.sockets);
}

bool AccessRule::allows(const Method& method) const {
  if (bound_commands && bound_of(method.name) == Bound::refused) return false;
  return lists(methods, method) && !lists(exclude_methods, method) &&
         std::ranges::none_of(method.operations,
                              [&](std::string_view operation) { return names(exclude_methods, operation); });
}

bool AccessRule::allows_control_of(std::string_view operation) const {
  const std::string control = set_of(AccessLevel::control);
  return (holds(methods, control) || names(methods, operation)) && !holds(exclude_methods, control) &&
         !names(exclude_methods, operation);
}

bool AccessRule::allows_function(std::string_view function) const {
  return control::allows_function(functions, function);
}

bool AccessRule::is_admin() const {
  return holds(methods, set_of(AccessLevel::admin)) || holds(methods, std::string("*"));
}

bool AccessRule::sees_app(std::string_view app) const {
  return apps.empty() || std::ranges::find(apps, app) != apps.end();
}

bool AccessRule::owns_app(std::string_view app) const {
  return !app.empty() && std::ranges::find(apps, app) != apps.end();
}

bool AccessRule::may_join(std::string_view group) const {
  return call_groups.empty() || names(call_groups, group);
}

bool lists(const std::vector<std::string>& entries, const Method& method) {
  return holds(entries, set_of(method.access_level)) || names(entries, method.name);
}

Error not_allowed(std::string message, std::string_view rule) {
  return Error{ErrorKind::not_allowed, std::move(message), render([&](JsonWriter& writer) {
                 writer.StartObject();
                 write_member(writer, "rule", rule);
                 writer.EndObject();
               })};
}

Result<void> check_access(const AccessRule& rule, const Method& method, const JsonValue& params) {
  if (!rule.allows(method)) {
    const bool unlimited = rule.bound_commands && bound_of(method.name) == Bound::refused;
    return not_allowed(method.name + ": the access rule '" + rule.name + "' does not allow it" +
                           (unlimited ? ", as it has bound_commands" : ""),
                       rule.name);
  }
  if (access_level_of(method, params) > method.access_level && !rule.is_admin()) {
    return not_allowed(
        "eventSource: all of a kind reach every program; that takes 'admin', which the access "
        "rule '" +
            rule.name + "' does not allow",
        rule.name);
  }
  // The variables of events.userEvent are members of an event: Asterisk does not evaluate them.
  if (!method.run || method.name == "events.userEvent") return {};
  VariableCheck check(
      {.functions = rule.functions,
       .sets = method.access_level != AccessLevel::read,
       .may_continue = !rule.bound_commands && rule.allows_control_of("channels.continueInDialplan"),
       .is_bound = rule.bound_commands});
  for (const std::string_view name : {"variable", "variables"}) {
    const JsonValue* given = find(params, name);
    if (given == nullptr) continue;
    if (const auto forbidden = check.find_forbidden(*given)) {
      return not_allowed(
          std::string(name) + ": the access rule '" + rule.name + "' does not allow " + *forbidden,
          rule.name);
    }
  }
  return {};
}

}  // namespace aribus::control
