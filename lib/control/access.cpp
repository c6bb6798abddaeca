#include "control/access.h"

#include <algorithm>
#include <optional>

#include <fnmatch.h>
#include <unistd.h>

#include "base/bytes.h"

namespace aribus::control {
namespace {

constexpr size_t max_name_bytes = 64;  // of a name that an error repeats

// Dialplan functions that read and change the call that they are called for, and nothing else.
constexpr std::string_view functions_of_calls[] = {"AGC",          "CALLERID",      "CDR",
                                                   "CDR_PROP",     "CHANNEL",       "CONNECTEDLINE",
                                                   "DENOISE",      "HANGUPCAUSE",   "HANGUPCAUSE_KEYS",
                                                   "JITTERBUFFER", "MUTEAUDIO",     "PJSIP_DTMF_MODE",
                                                   "PJSIP_HEADER", "PJSIP_HEADERS", "PJSIP_MEDIA_OFFER",
                                                   "REDIRECTING",  "TALK_DETECT",   "TIMEOUT",
                                                   "VOLUME"};

bool matches(const std::string& glob, std::string_view name, int flags = 0) {
  return fnmatch(glob.c_str(), std::string(name).c_str(), flags) == 0;
}

template <typename Value>
bool holds(const std::vector<Value>& values, const Value& wanted) {
  return std::ranges::find(values, wanted) != values.end();
}

bool names_method(const std::vector<std::string>& entries, std::string_view name) {
  return std::ranges::any_of(entries, [&](const std::string& entry) { return matches(entry, name); });
}

bool lists(const std::vector<std::string>& entries, const Method& method) {
  const std::string set(method_sets[static_cast<size_t>(method.reach)]);
  return holds(entries, set) || names_method(entries, method.name);
}

template <typename Value>
bool covers_list(const std::vector<Value>& wide, const std::vector<Value>& narrow) {
  return wide.empty() || (!narrow.empty() && std::ranges::all_of(narrow, [&](const Value& value) {
           return holds(wide, value);
         }));
}

// The first function that the name of a variable calls and that is not allowed. Asterisk takes what stands
// before a parenthesis for a function's name, and some functions evaluate what they are given.
std::optional<std::string> forbidden_in(const AccessRule& rule, std::string_view text) {
  for (size_t at = text.find('('); at != std::string_view::npos; at = text.find('(', at + 1)) {
    const std::string_view before = text.substr(0, at);
    const size_t cut = before.find_last_of("(),${}[]");
    const std::string_view name = cut == std::string_view::npos ? before : before.substr(cut + 1);
    if (!rule.allows_function(name)) return to_valid_utf8(name, max_name_bytes);
  }
  return {};
}

// The same in what names variables: a text, a list of them, or an object with a member for each.
std::optional<std::string> forbidden_in(const AccessRule& rule, const JsonValue& names) {
  if (names.IsString()) return forbidden_in(rule, as_view(names));
  if (names.IsArray()) {
    for (const JsonValue& item : names.GetArray()) {
      if (auto found = forbidden_in(rule, item)) return found;
    }
  }
  if (names.IsObject()) {
    for (const auto& member : names.GetObject()) {
      if (auto found = forbidden_in(rule, as_view(member.name))) return found;
      if (member.value.IsString()) continue;  // a value: Asterisk takes it as it is
      if (auto found = forbidden_in(rule, member.value)) return found;
    }
  }
  return {};
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

// A verb is excluded with any of the operations that it is made of.
bool AccessRule::allows(const Method& method) const {
  return lists(methods, method) && !lists(exclude_methods, method) &&
         std::ranges::none_of(method.made_of, [&](std::string_view operation) {
           return names_method(exclude_methods, operation);
         });
}

bool AccessRule::allows_function(std::string_view function) const {
  if (function.empty()) return false;
  return std::ranges::any_of(functions, [&](const std::string& entry) {
    if (entry != call_functions) return matches(entry, function, FNM_CASEFOLD);
    return std::ranges::any_of(functions_of_calls, [&](std::string_view name) {
      return matches(std::string(name), function, FNM_CASEFOLD);
    });
  });
}

bool AccessRule::sees_app(std::string_view app) const {
  return apps.empty() || std::ranges::find(apps, app) != apps.end();
}

Access::Access(std::vector<AccessRule> rules) {
  for (AccessRule& rule : rules) rules_.push_back(std::make_shared<const AccessRule>(std::move(rule)));
}

Access Access::standard() {
  return Access({{.name = "owner",
                  .users = {0, ::geteuid()},
                  .methods = {"read", "control", "admin"},
                  .functions = {"*"}},
                 {.name = "default", .methods = {"read", "control"}}});
}

bool Access::operator==(const Access& other) const {
  return std::ranges::equal(rules_, other.rules_, [](const auto& a, const auto& b) { return *a == *b; });
}

std::shared_ptr<const AccessRule> Access::rule_for(const Peer& peer) const {
  const auto at = std::ranges::find_if(rules_, [&](const auto& rule) { return rule->holds_for(peer); });
  return at == rules_.end() ? nullptr : *at;
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
    return not_allowed(method.name + ": the access rule '" + rule.name + "' does not allow it", rule.name);
  }
  if (!method.run || method.name == "events.userEvent") return {};  // whose variables are an event's members
  for (const std::string_view name : {"variable", "variables"}) {
    const JsonValue* given = find(params, name);
    if (given == nullptr) continue;
    if (const auto function = forbidden_in(rule, *given)) {
      return not_allowed(std::string(name) + ": the access rule '" + rule.name +
                             "' does not allow the dialplan function '" + *function + "'",
                         rule.name);
    }
  }
  return {};
}

}  // namespace aribus::control
