#include "control/methods/group_list.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "control/principal.h"
#include "json/described.h"

namespace aribus::control {
namespace {

struct ListedMember {
  std::string name;
  bool named = false;
  OrNull<JsonText<uint64_t>> connection;  // null while it is away
  std::optional<uint64_t> capacity;       // absent: unlimited
  uint64_t calls = 0;
  bool draining = false;
  bool suspended = false;
  static constexpr auto members =
      std::tuple(member("member", &ListedMember::name), member("named", &ListedMember::named),
                 member("connection", &ListedMember::connection), member("capacity", &ListedMember::capacity),
                 member("calls", &ListedMember::calls), member("draining", &ListedMember::draining),
                 member("suspended", &ListedMember::suspended));
};

struct ListedCall {
  std::string id;
  std::string server;
  std::string app;
  std::string state;
  std::string owner;  // "": nobody in the group
  uint64_t epoch = 0;
  WallTime entered;
  std::string previous;  // "": nobody
  static constexpr auto members = std::tuple(
      member("call", &ListedCall::id), member("server", &ListedCall::server), member("app", &ListedCall::app),
      member("state", &ListedCall::state).known_values(groups::call_states),
      member("member", &ListedCall::owner), member("epoch", &ListedCall::epoch),
      member("entered", &ListedCall::entered), member("previous", &ListedCall::previous));
};

struct ListedGroup {
  std::string name;
  std::vector<std::string> apps;
  bool configured = false;
  bool exclusive = false;
  std::string fallback;
  uint64_t waiting = 0;
  std::vector<ListedMember> listed_members;
  std::vector<ListedCall> calls;
  std::optional<uint64_t> more;  // calls that are not shown
  static constexpr auto members =
      std::tuple(member("name", &ListedGroup::name), member("apps", &ListedGroup::apps),
                 member("configured", &ListedGroup::configured), member("exclusive", &ListedGroup::exclusive),
                 member("fallback", &ListedGroup::fallback).known_values(groups::fallback_names),
                 member("waiting", &ListedGroup::waiting), member("members", &ListedGroup::listed_members),
                 member("calls", &ListedGroup::calls), member("more", &ListedGroup::more));
};

struct GroupList {
  std::vector<ListedGroup> groups;
  static constexpr auto members = std::tuple(member("groups", &GroupList::groups));
};

bool sees_group(const AccessRule& rule, const groups::Group& group) {
  const std::vector<std::string>& apps = group.settings().apps;
  if (apps.empty()) return rule.apps.empty();  // nobody knows them yet
  return std::ranges::all_of(apps, [&](const std::string& app) { return rule.sees_app(app); });
}

ListedMember listed(const groups::Member& from) {
  ListedMember out;
  out.name = from.name;
  out.named = from.named;
  if (from.connection != 0) out.connection.value.text = std::to_string(from.connection);
  if (from.capacity != SIZE_MAX) out.capacity = from.capacity;
  out.calls = from.calls.size();
  out.draining = from.draining;
  out.suspended = from.suspended;
  return out;
}

ListedCall listed(const groups::Call& from) {
  return {.id = from.id,
          .server = from.server,
          .app = from.app,
          .state = std::string(name_of(from.state)),
          .owner = from.owner == nullptr ? "" : from.owner->name,
          .epoch = from.epoch,
          .entered = from.entered,
          .previous = from.previous};
}

// With at most so many calls.
ListedGroup listed(const groups::Group& from, size_t max_calls) {
  ListedGroup out;
  out.name = from.settings().name;
  out.apps = from.settings().apps;
  out.configured = from.is_configured();
  out.exclusive = from.settings().exclusive;
  out.fallback = name_of(from.settings().fallback);
  out.waiting = from.calls(groups::CallState::waiting).size();
  for (const auto& [name, member] : from.members()) out.listed_members.push_back(listed(*member));
  std::ranges::sort(out.listed_members, {}, &ListedMember::name);
  for (size_t state = 0; state < std::size(groups::call_states); ++state) {
    for (const groups::Call* call : from.calls(static_cast<groups::CallState>(state))) {
      if (out.calls.size() == max_calls) break;
      out.calls.push_back(listed(*call));
    }
  }
  if (const size_t shown = out.calls.size(); shown < from.calls().size())
    out.more = from.calls().size() - shown;
  return out;
}

GroupList listed(const groups::Groups& all, const JsonValue& params, const AccessRule& rule) {
  GroupList out;
  const JsonValue* wanted = find(params, "group");
  size_t room = max_listed_calls;
  for (const groups::Group* group : all.all()) {
    if (wanted != nullptr && as_view(*wanted) != group->settings().name) continue;
    if (!sees_group(rule, *group)) continue;
    out.groups.push_back(listed(*group, std::min(room, max_listed_calls_of_group)));
    room -= out.groups.back().calls.size();
  }
  return out;
}

}  // namespace

Method group_list(std::function<const groups::Groups&()> groups) {
  static const std::string schema = json_schema<GroupList>();
  return {.name = "group.list",
          .parameters = {{.name = "group"}},
          .answer_schema = schema,
          .access_level = AccessLevel::read,
          .run_here = [groups = std::move(groups)](const JsonValue& params, const Caller& caller) {
            const GroupList list = groups ? listed(groups(), params, *caller.principal.rule) : GroupList();
            return pbx::ResultText(to_json(list));
          }};
}

}  // namespace aribus::control
