#include "config/aribusd/groups.h"

#include <algorithm>
#include <optional>
#include <set>
#include <span>
#include <string>

#include "base/suggest.h"
#include "config/aribusd/apps.h"

namespace aribus::config {
namespace {

using groups::Fallback;
using groups::Orphan;
using groups::Settings;

std::optional<Milliseconds> read_time_or_off(const YamlValue& value) {
  if (value.text() == "off") return {};
  return value.duration();
}

// Names are in the order of `Value`.
template <typename Value>
Value read_name(const YamlValue& value, std::span<const std::string_view> names) {
  const std::string given = value.string();
  const auto at = std::ranges::find(names, given);
  if (at == names.end()) {
    value.fail("one of " + join(names) + " is expected" + value.not_this() + did_you_mean(given, names));
  }
  return static_cast<Value>(at - names.begin());
}

std::string read_media(const YamlValue& value) {
  std::string media = value.string();
  if (media.find(':') == std::string::npos) value.fail("a media URI is expected, as sound:tt-allbusy");
  return media;
}

void warn_of_idle_keys(const YamlValue& value, const YamlMap& map, const Settings& group,
                       DaemonReading& reading) {
  const auto check = [&](const char* key, bool has_effect, const char* needed) {
    if (map.has(key) && !has_effect)
      reading.warn(value.member(key), std::string("it has no effect without ") + needed);
  };
  check("fallback_media", group.fallback == Fallback::play, "fallback: play");
  check("fallback_app", group.fallback == Fallback::move, "fallback: move");
  check("orphan_after", group.orphan == Orphan::fallback, "orphan: fallback");
}

// Nothing when there is a mistake in it.
std::optional<Settings> read_group(const YamlValue& value, DaemonReading& reading) {
  const size_t before = value.mistakes();
  Settings group;
  YamlMap map(value);
  map.required("name", "members name the group by it", [&](const YamlValue& v) { group.name = v.string(); });
  map.required("apps", "the calls of these applications go to the group's members", [&](const YamlValue& v) {
    group.apps = read_apps(v, reading);
    groups::sort_apps(group);
  });
  map.optional("accept", [&](const YamlValue& v) { group.accept = v.duration(); });
  map.optional("grace", [&](const YamlValue& v) { group.grace = read_time_or_off(v); });
  map.optional("lease", [&](const YamlValue& v) { group.lease = read_time_or_off(v); });
  map.optional("fallback_after", [&](const YamlValue& v) { group.fallback_after = v.duration(); });
  map.optional("fallback",
               [&](const YamlValue& v) { group.fallback = read_name<Fallback>(v, groups::fallback_names); });
  map.optional("fallback_media", [&](const YamlValue& v) { group.fallback_media = read_media(v); });
  map.optional("fallback_app", [&](const YamlValue& v) { group.fallback_app = read_app(v); });
  map.optional("exclusive", [&](const YamlValue& v) { group.exclusive = v.boolean(); });
  map.optional("orphan",
               [&](const YamlValue& v) { group.orphan = read_name<Orphan>(v, groups::orphan_names); });
  map.optional("orphan_after", [&](const YamlValue& v) { group.orphan_after = v.duration(); });
  map.finish();
  if (value.mistakes() != before) return {};
  if (const std::string mistake = mistake_in(group); !mistake.empty()) value.fail(mistake);
  warn_of_idle_keys(value, map, group, reading);
  return group;
}

}  // namespace

std::vector<Settings> read_groups(const YamlValue& value, DaemonReading& reading) {
  std::vector<Settings> groups;
  std::set<std::string> names;
  value.each("at least one group is expected", [&](const YamlValue& item) {
    std::optional<Settings> group = read_group(item, reading);
    if (!group) return;
    if (!names.insert(group->name).second) {
      item.fail("name: '" + shown(group->name) + "' is the name of another group already; each has its own");
    }
    groups.push_back(std::move(*group));
    reading.groups.push_back(item);
  });
  return groups;
}

}  // namespace aribus::config
