#include "control/access.h"

#include <algorithm>
#include <optional>

#include <fnmatch.h>
#include <strings.h>
#include <unistd.h>

#include "base/utf8.h"

namespace aribus::control {
namespace {

constexpr size_t max_name_bytes = 64;    // of a name that an error repeats
constexpr size_t max_functions = 256;    // named by one request

// Dialplan functions that read and change the call that they are called for, and nothing else. In order.
constexpr std::string_view functions_of_calls[] = {"AGC",          "CALLERID",      "CDR",
                                                   "CDR_PROP",     "CHANNEL",       "CONNECTEDLINE",
                                                   "DENOISE",      "HANGUPCAUSE",   "HANGUPCAUSE_KEYS",
                                                   "JITTERBUFFER", "MUTEAUDIO",     "PJSIP_DTMF_MODE",
                                                   "PJSIP_HEADER", "PJSIP_HEADERS", "PJSIP_MEDIA_OFFER",
                                                   "REDIRECTING",  "TALK_DETECT",   "TIMEOUT",
                                                   "VOLUME"};

// What of CHANNEL() may be set by whom "call" is allowed. Others run a place of the dialplan later
// (hangup_handler_push, after_bridge_goto), give the callers such a way (dtmf_features), or open the call to
// others (callgroup).
constexpr std::string_view settable_items[] = {"accountcode", "amaflags", "hangupsource", "language",
                                               "musicclass",  "peeraccount", "rxgain", "tonezone",
                                               "transfercapability", "txgain", "userfield"};

// Variables that Asterisk takes for a place of the dialplan: with them the call goes where
// channels.continueInDialplan would send it.
constexpr std::string_view places[] = {"DYNAMIC_FEATURES",  "EXITCONTEXT",      "FORWARD_CONTEXT",
                                       "GOTO_ON_BLINDXFR",  "MACRO_CONTEXT",    "MACRO_EXTEN",
                                       "PARKINGDYNCONTEXT", "PARKINGDYNEXTEN",  "TRANSFER_CONTEXT"};
constexpr std::string_view place_endings[] = {"_SEND_SUB", "_SEND_MACRO", "_EXIT_CONTEXT"};  // of Spy, MeetMe, …
// Variables that Asterisk takes for a command of the system.
constexpr std::string_view commands[] = {"MIXMONITOR_EXEC", "MONITOR_EXEC", "MONITOR_EXEC_ARGS"};

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

template <typename Value>
bool covers_list(const std::vector<Value>& wide, const std::vector<Value>& narrow) {
  return wide.empty() || (!narrow.empty() && std::ranges::all_of(narrow, [&](const Value& value) {
           return holds(wide, value);
         }));
}

bool equal(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

bool is_of_calls(std::string_view function) {
  return std::ranges::any_of(functions_of_calls, [&](std::string_view name) { return equal(name, function); });
}

bool is_settable(std::string_view item) {
  return std::ranges::any_of(settable_items, [&](std::string_view name) { return equal(name, item); });
}

// Finds what a rule does not allow in the names of variables that one request reads or sets.
class NameCheck {
 public:
  NameCheck(const AccessRule& rule, bool sets, bool continues)
      : rule_(rule), sets_(sets), continues_(continues) {}

  // In what names variables: a text, a list of them, or an object with a member for each.
  std::optional<std::string> find(const JsonValue& names) {
    if (names.IsString()) return find(as_view(names));
    if (names.IsArray()) {
      for (const JsonValue& item : names.GetArray()) {
        if (auto found = find(item)) return found;
      }
    }
    if (names.IsObject()) {
      for (const auto& member : names.GetObject()) {
        if (auto found = find(as_view(member.name))) return found;
        if (member.value.IsString()) continue;  // a value: Asterisk takes it as it is
        if (auto found = find(member.value)) return found;
      }
    }
    return {};
  }

 private:
  // Asterisk takes what stands before a parenthesis for a function's name, and some functions evaluate what
  // they are given.
  std::optional<std::string> find(std::string_view text) {
    for (size_t at = text.find('('); at != std::string_view::npos; at = text.find('(', at + 1)) {
      if (++functions_ > max_functions) return "more than " + std::to_string(max_functions) + " functions";
      const std::string_view before = text.substr(0, at);
      const size_t cut = before.find_last_of("(),${}[]");
      const std::string_view name = cut == std::string_view::npos ? before : before.substr(cut + 1);
      if (!allows(name, text.substr(at + 1))) {
        return "the dialplan function '" + to_valid_utf8(name, max_name_bytes) + "'";
      }
    }
    if (!sets_) return {};
    const size_t begin = text.find_first_not_of('_');  // which have it inherited
    const std::string_view name = begin == std::string_view::npos ? text : text.substr(begin);
    const auto is_it = [&](std::string_view special) { return equal(special, name); };
    const auto ends_so = [&](std::string_view ending) {
      return name.size() > ending.size() && equal(ending, name.substr(name.size() - ending.size()));
    };
    const bool place = std::ranges::any_of(places, is_it) || std::ranges::any_of(place_endings, ends_so);
    if ((place && !continues_) || (std::ranges::any_of(commands, is_it) && !rule_.allows_function("SHELL"))) {
      return "the variable '" + to_valid_utf8(name, max_name_bytes) + "', by which Asterisk acts";
    }
    return {};
  }

  [[nodiscard]] bool allows(std::string_view function, std::string_view arguments) const {
    if (!rule_.allows_function(function)) return false;
    if (!sets_ || !equal(function, "CHANNEL") || rule_.names_function(function)) return true;
    std::string_view item = arguments.substr(0, arguments.find_first_of(",)"));
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    return is_settable(item);
  }

  const AccessRule& rule_;
  bool sets_;
  bool continues_;
  size_t functions_ = 0;
};

// "channel:", "bridge:", …, "endpoint:PJSIP": all of them, or of a technology.
bool subscribes_to_all(const Method& method, const JsonValue& params) {
  if (method.name != "applications.subscribe") return false;
  const JsonValue* sources = find(params, "eventSource");
  const auto names_all = [](const JsonValue& source) {
    if (!source.IsString()) return false;
    for (std::string_view rest = as_view(source); !rest.empty();) {
      const size_t end = std::min(rest.find(','), rest.size());
      const std::string_view one = rest.substr(0, end);
      const bool technology = one.starts_with("endpoint:") && one.find('/') == std::string_view::npos;
      if (one.ends_with(':') || technology) return true;
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return false;
  };
  if (sources == nullptr) return false;
  if (!sources->IsArray()) return names_all(*sources);
  return std::ranges::any_of(sources->GetArray(), names_all);
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

bool AccessRule::allows_control_of(std::string_view operation) const {
  return (holds(methods, std::string(method_sets[static_cast<size_t>(AccessLevel::control)])) ||
          names_method(methods, operation)) &&
         !holds(exclude_methods, std::string(method_sets[static_cast<size_t>(AccessLevel::control)])) &&
         !names_method(exclude_methods, operation);
}

// A verb is excluded with any of the operations that it is made of.
bool AccessRule::allows(const Method& method) const {
  return lists(methods, method) && !lists(exclude_methods, method) &&
         std::ranges::none_of(method.operations, [&](std::string_view operation) {
           return names_method(exclude_methods, operation);
         });
}

bool AccessRule::allows_function(std::string_view function) const {
  if (function.empty()) return false;
  return (holds(functions, std::string(call_functions)) && is_of_calls(function)) || names_function(function);
}

bool AccessRule::names_function(std::string_view function) const {
  return std::ranges::any_of(functions, [&](const std::string& entry) {
    if (entry == call_functions) return false;
    const bool plain = entry.find_first_of("*?[\\") == std::string::npos;
    return plain ? equal(entry, function) : matches(entry, function, FNM_CASEFOLD);
  });
}

bool AccessRule::is_admin() const {
  return holds(methods, std::string(method_sets[static_cast<size_t>(AccessLevel::admin)])) ||
         holds(methods, std::string("*"));
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

bool lists(const std::vector<std::string>& entries, const Method& method) {
  const std::string set(method_sets[static_cast<size_t>(method.access_level)]);
  return holds(entries, set) || names_method(entries, method.name);
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
  if (subscribes_to_all(method, params) && !rule.is_admin()) {
    return not_allowed("eventSource: all of a kind reach every program; that takes 'admin', which the access "
                       "rule '" + rule.name + "' does not allow",
                       rule.name);
  }
  if (!method.run || method.name == "events.userEvent") return {};  // whose variables are an event's members
  NameCheck check(rule, method.access_level != AccessLevel::read,
                  rule.allows_control_of("channels.continueInDialplan"));
  for (const std::string_view name : {"variable", "variables"}) {
    const JsonValue* given = find(params, name);
    if (given == nullptr) continue;
    if (const auto forbidden = check.find(*given)) {
      return not_allowed(std::string(name) + ": the access rule '" + rule.name + "' does not allow " +
                             *forbidden,
                         rule.name);
    }
  }
  return {};
}

}  // namespace aribus::control
