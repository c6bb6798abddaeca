#include "control/dialplan_functions.h"

#include <algorithm>

#include <strings.h>

#include "base/glob.h"
#include "base/utf8.h"

namespace aribus::control {
namespace {

constexpr std::string_view call_functions = "call";  // the entry that stands for functions_of_calls
constexpr size_t max_name_bytes = 64;                // of a name that an error repeats
constexpr size_t max_functions = 256;                // named by one request

// clang-format off
// Dialplan functions that read and change the call that they are used on, and nothing else. Sorted.
constexpr std::string_view functions_of_calls[] = {"AGC",          "CALLERID",      "CDR",
                                                   "CDR_PROP",     "CHANNEL",       "CONNECTEDLINE",
                                                   "DENOISE",      "HANGUPCAUSE",   "HANGUPCAUSE_KEYS",
                                                   "JITTERBUFFER", "MUTEAUDIO",     "PJSIP_DTMF_MODE",
                                                   "PJSIP_HEADER", "PJSIP_HEADERS", "PJSIP_MEDIA_OFFER",
                                                   "REDIRECTING",  "TALK_DETECT",   "TIMEOUT",
                                                   "VOLUME"};

// The items of CHANNEL() that "call" allows to set. The others run a place of the dialplan later
// (hangup_handler_push, after_bridge_goto), let the callers do so (dtmf_features), or open the call to
// others (callgroup).
constexpr std::string_view settable_items[] = {"accountcode", "amaflags", "hangupsource", "language",
                                               "musicclass",  "peeraccount", "rxgain", "tonezone",
                                               "transfercapability", "txgain", "userfield"};

// Variables in which Asterisk expects a place in the dialplan: setting one can send the call there, as
// channels.continueInDialplan would.
constexpr std::string_view places[] = {"DYNAMIC_FEATURES",  "EXITCONTEXT",      "FORWARD_CONTEXT",
                                       "GOTO_ON_BLINDXFR",  "MACRO_CONTEXT",    "MACRO_EXTEN",
                                       "PARKINGDYNCONTEXT", "PARKINGDYNEXTEN",  "TRANSFER_CONTEXT"};
constexpr std::string_view place_endings[] = {"_SEND_SUB", "_SEND_MACRO", "_EXIT_CONTEXT"};  // of Spy, MeetMe, …
// Variables in which Asterisk expects a command of the operating system.
constexpr std::string_view commands[] = {"MIXMONITOR_EXEC", "MONITOR_EXEC", "MONITOR_EXEC_ARGS"};
// clang-format on

bool equal(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

bool is_of_calls(std::string_view function) {
  return std::ranges::any_of(functions_of_calls,
                             [&](std::string_view name) { return equal(name, function); });
}

bool is_settable(std::string_view item) {
  return std::ranges::any_of(settable_items, [&](std::string_view name) { return equal(name, item); });
}

// Whether an entry other than "call" matches the function: that allows every use of it.
bool names_function(const std::vector<std::string>& entries, std::string_view function) {
  return std::ranges::any_of(entries, [&](const std::string& entry) {
    if (entry == call_functions) return false;
    const bool plain = entry.find_first_of("*?[\\") == std::string::npos;
    return plain ? equal(entry, function) : matches_glob(entry, std::string(function), GlobCase::ignored);
  });
}

}  // namespace

bool allows_function(const std::vector<std::string>& entries, std::string_view function) {
  if (function.empty()) return false;
  const bool of_calls = std::ranges::find(entries, call_functions) != entries.end() && is_of_calls(function);
  return of_calls || names_function(entries, function);
}

std::optional<std::string> VariableCheck::find_forbidden(const JsonValue& names) {
  if (names.IsString()) return find_forbidden(as_view(names));
  if (names.IsArray()) {
    for (const JsonValue& item : names.GetArray()) {
      if (auto found = find_forbidden(item)) return found;
    }
  }
  if (names.IsObject()) {
    for (const auto& member : names.GetObject()) {
      if (auto found = find_forbidden(as_view(member.name))) return found;
      if (member.value.IsString()) continue;  // a value, which Asterisk does not evaluate
      if (auto found = find_forbidden(member.value)) return found;
    }
  }
  return {};
}

// Asterisk takes the text before a parenthesis for the name of a function. All parentheses count, not the
// first alone: some functions evaluate their arguments.
std::optional<std::string> VariableCheck::find_forbidden(std::string_view text) {
  for (size_t at = text.find('('); at != std::string_view::npos; at = text.find('(', at + 1)) {
    if (++functions_ > max_functions) return "more than " + std::to_string(max_functions) + " functions";
    const std::string_view before = text.substr(0, at);
    const size_t cut = before.find_last_of("(),${}[]");
    const std::string_view name = cut == std::string_view::npos ? before : before.substr(cut + 1);
    if (!allows(name, text.substr(at + 1))) {
      return "the dialplan function '" + to_valid_utf8(name, max_name_bytes) + "'";
    }
  }
  if (!policy_.sets) return {};
  const size_t begin =
      text.find_first_not_of('_');  // a leading "_" or "__" makes channels inherit the variable
  const std::string_view name = begin == std::string_view::npos ? text : text.substr(begin);
  const auto is_it = [&](std::string_view special) { return equal(special, name); };
  const auto ends_so = [&](std::string_view ending) {
    return name.size() > ending.size() && equal(ending, name.substr(name.size() - ending.size()));
  };
  const bool place = std::ranges::any_of(places, is_it) || std::ranges::any_of(place_endings, ends_so);
  const bool command = std::ranges::any_of(commands, is_it);
  if ((place && !policy_.may_continue) || (command && !allows_function(policy_.functions, "SHELL"))) {
    return "the variable '" + to_valid_utf8(name, max_name_bytes) + "', by which Asterisk acts";
  }
  return {};
}

bool VariableCheck::allows(std::string_view function, std::string_view arguments) const {
  if (!allows_function(policy_.functions, function)) return false;
  if (!policy_.sets || !equal(function, "CHANNEL") || names_function(policy_.functions, function))
    return true;
  std::string_view item = arguments.substr(0, arguments.find_first_of(",)"));
  while (item.starts_with(' ')) item.remove_prefix(1);
  while (item.ends_with(' ')) item.remove_suffix(1);
  // The language is a folder of sounds, and "../.." in it leads to the recordings of others.
  return is_settable(item) && !(policy_.is_bound && equal(item, "language"));
}

}  // namespace aribus::control
