#include "config/aribusd/access.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include <grp.h>
#include <pwd.h>

#include "base/glob.h"
#include "base/suggest.h"
#include "config/users.h"
#include "record/own_records.h"
#include "session/all_methods.h"

namespace aribus::config {
namespace {

using control::AccessRule;
using session::declared_methods;

bool matches(const std::string& glob, std::string_view name) {
  return matches_glob(glob, std::string(name));
}

// A glob of methods, or the name of a set of them.
std::string read_method(const YamlValue& value) {
  std::string entry = value.string();
  std::vector<std::string> known(std::begin(control::method_sets), std::end(control::method_sets));
  for (const auto& [name, method] : declared_methods().all()) {
    if (matches(entry, name)) return entry;
    const size_t dot = name.find('.');
    if (dot != std::string::npos) known.push_back(name.substr(0, dot) + ".*");
    known.push_back(name);
  }
  if (std::ranges::find(control::method_sets, entry) != std::end(control::method_sets)) return entry;
  const std::vector<std::string_view> words(known.begin(), known.end());
  value.fail("no method matches '" + shown(entry) + "'" + did_you_mean(entry, words) +
             " (read, control, admin, or globs of methods are expected)");
}

// An entry that names a command that changes something: only these are audited.
std::string read_audited(const YamlValue& value) {
  std::string entry = read_method(value);
  const auto is_told = [&](const auto& known) {
    return known.second.access_level != control::AccessLevel::read && control::lists({entry}, known.second);
  };
  if (std::ranges::none_of(declared_methods().all(), is_told)) {
    value.fail("'" + shown(entry) + "' names only methods that change nothing, which are in no audit");
  }
  return entry;
}

std::string read_function(const YamlValue& value) {
  std::string entry = value.string();
  if (entry.find_first_of("(){}$ ") != std::string::npos) {
    value.fail("the name of a dialplan function alone, or a glob, is expected, as PJSIP_*, not '" +
               shown(entry) + "'");
  }
  return entry;
}

std::string read_socket_path(const YamlValue& value, const std::vector<SocketOptions>& sockets) {
  std::string path = value.string();
  std::vector<std::string_view> paths;
  for (const SocketOptions& socket : sockets) paths.push_back(socket.path);
  if (std::ranges::find(paths, path) == paths.end()) {
    value.fail("no socket has the path '" + shown(path) + "'" + did_you_mean(path, paths) + " (there are " +
               join(paths) + ")");
  }
  return path;
}

std::string read_type(const YamlValue& value, std::vector<std::string>& warnings) {
  std::string glob = value.string();
  const std::vector<std::string_view>& types = record::known_types();
  if (std::ranges::none_of(types, [&](std::string_view type) { return matches(glob, type); })) {
    warnings.push_back("access: no known type of event matches '" + shown(glob) + "'" +
                       did_you_mean(glob, types));
  }
  return glob;
}

// A list that must not be empty: an empty one would match everything.
void read_list(const YamlValue& value, const std::string& without,
               const std::function<void(const YamlValue&)>& read) {
  value.each("at least one is expected; without this key the rule " + without, read);
}

// Whether records of `type` are shown, as far as `types` and `exclude_types` say.
bool shows_type(const AccessRule& rule, std::string_view type) {
  const auto is_type = [&](const std::string& glob) { return matches(glob, type); };
  return (rule.types.empty() || std::ranges::any_of(rule.types, is_type)) &&
         std::ranges::none_of(rule.exclude_types, is_type);
}

// Warns if a rule denies something under one name and allows it under another.
void warn_of_other_ways(const AccessRule& rule, std::vector<std::string>& warnings) {
  const auto allows = [&](std::string_view name) { return rule.allows(*declared_methods().find(name)); };
  const std::string of_rule = "access rule '" + rule.name + "': ";
  const auto is_media = [](const std::string& glob) { return matches(glob, "channels.externalMedia"); };
  constexpr std::string_view others[] = {"channels.create", "channels.originate", "channels.originateWithId",
                                         "originate"};
  if (std::ranges::any_of(rule.exclude_methods, is_media) && std::ranges::any_of(others, allows)) {
    warnings.push_back(of_rule +
                       "exclude_methods: without channels.externalMedia, channels.create and originate send "
                       "audio to any host all the same, with an endpoint such as UnicastRTP/host:port");
  }
  if (!shows_type(rule, "ChannelVarset") && allows("state.channels")) {
    warnings.push_back(of_rule + "state.channels shows the variables that ChannelVarset is kept away for");
  }
}

void warn_of_gaps(const AccessRule& rule, std::vector<std::string>& warnings) {
  const auto allows = [&](const auto& entry) { return entry.second.run && rule.allows(entry.second); };
  const std::string of_rule = "access rule '" + rule.name + "': ";
  const bool bounded = !rule.types.empty() || !rule.exclude_types.empty() || !rule.apps.empty();
  if (rule.allows(*declared_methods().find("ari.request")) && (bounded || !rule.allows_function("SHELL"))) {
    warnings.push_back(of_rule + "ari.request reaches what methods, functions, types and apps keep from it");
  } else if (!rule.apps.empty() && std::ranges::any_of(declared_methods().all(), allows)) {
    if (!rule.bound_commands) {
      warnings.push_back(of_rule +
                         "apps bounds records and state.*; ARI's operations that methods allows reach all "
                         "applications; bound_commands: true bounds these, too");
    } else if (rule.functions != AccessRule{}.functions && !rule.functions.empty()) {
      warnings.push_back(
          of_rule +
          "functions: bound_commands does not bound dialplan functions; those beyond call may reach "
          "what other applications have");
    }
  }
  if (!rule.contexts.empty() && !rule.bound_commands) {
    warnings.push_back(of_rule +
                       "contexts has no effect without bound_commands: true; commands reach all contexts");
  }
  if (!rule.call_groups.empty() && !rule.allows_control_of("group.accept")) {
    warnings.push_back(
        of_rule + "call_groups has no effect: the rule does not allow group.accept, which joining takes");
  }
  warn_of_other_ways(rule, warnings);
}

AccessRule read_rule(const YamlValue& value, const std::vector<SocketOptions>& sockets,
                     std::vector<std::string>& warnings) {
  AccessRule rule;
  std::optional<YamlValue> bound_commands;
  YamlMap map(value);
  map.required("name", "refusals and the log name the rule by it",
               [&](const YamlValue& v) { rule.name = v.string(); });
  map.optional("users", [&](const YamlValue& v) {
    read_list(v, "applies to every user",
              [&](const YamlValue& user) { rule.users.push_back(user_id(user)); });
  });
  map.optional("groups", [&](const YamlValue& v) {
    read_list(v, "applies to every group",
              [&](const YamlValue& group) { rule.groups.push_back(group_id(group)); });
  });
  map.optional("sockets", [&](const YamlValue& v) {
    read_list(v, "applies on every socket",
              [&](const YamlValue& path) { rule.sockets.push_back(read_socket_path(path, sockets)); });
  });
  map.required("methods", "it lists what the rule allows: read, control, admin, or globs of methods",
               [&](const YamlValue& v) {
                 v.each("", [&](const YamlValue& method) { rule.methods.push_back(read_method(method)); });
               });
  map.optional("exclude_methods", [&](const YamlValue& v) {
    v.each("", [&](const YamlValue& method) { rule.exclude_methods.push_back(read_method(method)); });
  });
  map.optional("functions", [&](const YamlValue& v) {
    rule.functions.clear();
    v.each("", [&](const YamlValue& function) { rule.functions.push_back(read_function(function)); });
  });
  map.optional("types", [&](const YamlValue& v) {
    read_list(v, "allows all types",
              [&](const YamlValue& type) { rule.types.push_back(read_type(type, warnings)); });
  });
  map.optional("exclude_types", [&](const YamlValue& v) {
    v.each("", [&](const YamlValue& type) { rule.exclude_types.push_back(read_type(type, warnings)); });
  });
  map.optional("apps", [&](const YamlValue& v) {
    read_list(v, "allows all applications",
              [&](const YamlValue& app) { rule.apps.push_back(app.is_empty() ? "" : app.string()); });
  });
  map.optional("bound_commands", [&](const YamlValue& v) {
    rule.bound_commands = v.boolean();
    bound_commands = v;
  });
  map.optional("contexts", [&](const YamlValue& v) {
    read_list(v, "allows no place in the dialplan",
              [&](const YamlValue& context) { rule.contexts.push_back(context.string()); });
  });
  map.optional("call_groups", [&](const YamlValue& v) {
    read_list(v, "may join every worker group",
              [&](const YamlValue& group) { rule.call_groups.push_back(group.string()); });
  });
  map.optional("connections",
               [&](const YamlValue& v) { rule.connections = static_cast<size_t>(v.integer(1)); });
  map.optional("commands_per_second",
               [&](const YamlValue& v) { rule.commands_per_second = static_cast<size_t>(v.integer(1)); });
  map.finish();
  if (rule.bound_commands && std::ranges::none_of(rule.apps, [](const auto& app) { return !app.empty(); })) {
    bound_commands->fail(
        "the rule names no application, so its commands would reach nothing; list its applications in "
        "apps, or leave bound_commands out");
  }
  warn_of_gaps(rule, warnings);
  return rule;
}

}  // namespace

control::Access read_access(const YamlValue& value, const std::vector<SocketOptions>& sockets,
                            std::vector<std::string>& warnings) {
  std::vector<AccessRule> rules;
  std::set<std::string> names;
  value.each("at least one rule is expected, or nobody may do anything", [&](const YamlValue& item) {
    const size_t before = item.mistakes();
    AccessRule rule = read_rule(item, sockets, warnings);
    if (item.mistakes() != before) return;  // with a mistake it may say less than was meant
    if (!names.insert(rule.name).second)
      item.fail("name: '" + rule.name + "' is the name of another rule already; each has its own");
    for (const AccessRule& earlier : rules) {
      if (earlier.covers(rule)) {
        item.fail("the rule '" + rule.name + "' never applies: '" + earlier.name +
                  "' comes first and matches every connection that it matches; put it before that one");
      }
    }
    rules.push_back(std::move(rule));
  });
  return control::Access(std::move(rules));
}

control::AuditOptions read_audit(const YamlValue& value) {
  control::AuditOptions audit;
  if (!value.is_map()) {
    audit.on = value.boolean();
    return audit;
  }
  YamlMap map(value);
  map.optional("methods", [&](const YamlValue& v) {
    v.each("at least one is expected; to log none, say audit: false",
           [&](const YamlValue& method) { audit.methods.push_back(read_audited(method)); });
  });
  map.optional("exclude", [&](const YamlValue& v) {
    v.each("", [&](const YamlValue& method) { audit.exclude.push_back(read_audited(method)); });
  });
  map.finish();
  return audit;
}

}  // namespace aribus::config
