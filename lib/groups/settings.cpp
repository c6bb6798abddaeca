#include "groups/settings.h"

#include <algorithm>

namespace aribus::groups {
namespace {

std::string shown(milliseconds time) {
  return std::to_string(time.count()) + " ms";
}
std::string shown(const std::optional<milliseconds>& time) {
  return time ? shown(*time) : "off";
}
std::string shown(const std::string& text) {
  return "'" + text + "'";
}
std::string shown(bool value) {
  return value ? "true" : "false";
}
std::string shown(Fallback fallback) {
  return std::string(name_of(fallback));
}
std::string shown(Orphan orphan) {
  return std::string(name_of(orphan));
}
std::string shown(const std::vector<std::string>& list) {
  std::string text = "[";
  for (const std::string& item : list) text += (text.size() > 1 ? ", " : "") + item;
  return text + "]";
}

}  // namespace

void sort_apps(Settings& settings) {
  std::ranges::sort(settings.apps);
  settings.apps.erase(std::unique(settings.apps.begin(), settings.apps.end()), settings.apps.end());
}

std::string mistake_in(const Settings& settings) {
  if (settings.name.empty()) return "a group needs a name";
  if (settings.name.size() > max_name_bytes) return "the name of a group has at most 128 bytes";
  const std::string group = "group '" + settings.name + "': ";
  if (settings.apps.empty()) return group + "`apps` names no application";
  if (std::ranges::find(settings.apps, "") != settings.apps.end())
    return group + "`apps` names an application with an empty name";
  for (const auto& [name, time] : {std::pair("accept", settings.accept),
                                   {"fallback_after", settings.fallback_after},
                                   {"orphan_after", settings.orphan_after},
                                   {"grace", settings.grace.value_or(milliseconds(1))},
                                   {"lease", settings.lease.value_or(milliseconds(1))}}) {
    if (time <= milliseconds(0)) return group + "`" + name + "` must be longer than 0 s";
  }
  if (settings.fallback == Fallback::play && settings.fallback_media.empty())
    return group + "`fallback: play` needs `fallback_media`";
  if (settings.fallback == Fallback::move && settings.fallback_app.empty())
    return group + "`fallback: move` needs `fallback_app`";
  if (std::ranges::find(settings.apps, settings.fallback_app) != settings.apps.end())
    return group + "`fallback_app` is an application of the group, '" + settings.fallback_app + "'";
  if (settings.orphan == Orphan::fallback && settings.fallback == Fallback::none)
    return group + "`orphan: fallback` needs `fallback`";
  return "";
}

std::string difference(const Settings& group, const Settings& wanted) {
  const auto differ = [&](std::string_view name, const auto& has, const auto& wants) -> std::string {
    if (has == wants) return "";
    return "the group '" + group.name + "' has `" + std::string(name) + ": " + shown(has) + "`, not " +
           shown(wants);
  };
  for (const std::string& text :
       {differ("apps", group.apps, wanted.apps), differ("accept", group.accept, wanted.accept),
        differ("grace", group.grace, wanted.grace), differ("lease", group.lease, wanted.lease),
        differ("fallback_after", group.fallback_after, wanted.fallback_after),
        differ("fallback", group.fallback, wanted.fallback),
        differ("fallback_media", group.fallback_media, wanted.fallback_media),
        differ("fallback_app", group.fallback_app, wanted.fallback_app),
        differ("exclusive", group.exclusive, wanted.exclusive), differ("orphan", group.orphan, wanted.orphan),
        differ("orphan_after", group.orphan_after, wanted.orphan_after)}) {
    if (!text.empty()) return text;
  }
  return "";
}

}  // namespace aribus::groups
