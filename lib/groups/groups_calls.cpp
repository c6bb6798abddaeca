// Calls that begin, come, go and end.
#include <algorithm>

#include "groups/groups.h"

namespace aribus::groups {
namespace {

std::string channel_name(std::string_view server, std::string_view channel) {
  return std::string(server) + '\0' + std::string(channel);
}

}  // namespace

void Groups::note(std::string_view call, Group& group) {
  std::vector<Group*>& of_call = by_call_[std::string(call)];
  if (std::ranges::find(of_call, &group) == of_call.end()) of_call.push_back(&group);
}

void Groups::started(const NewCall& call, std::string_view channel, WallTime now) {
  set_now(now);
  if (originates_.size() == 0) return;
  const std::string name = channel_name(call.server, channel);
  const Originator* found = originates_.find(name);
  if (found == nullptr) return;
  const Originator originator = *found;
  originates_.erase(name);
  Group* group = this->group(originator.group);
  if (group == nullptr) return;
  group->begin_owned(call, originator.member);
  note(call.id, *group);
  finish(*group);
}

void Groups::entered(const NewCall& call, WallTime now) {
  set_now(now);
  const auto groups = by_app_.find(call.app);
  if (groups == by_app_.end()) return;
  for (Group* group : groups->second) {
    group->enter(call);
    note(call.id, *group);
    finish(*group);
  }
}

void Groups::left(std::string_view call, std::string_view app, const std::vector<std::string>& others,
                  WallTime now) {
  set_now(now);
  const auto groups = by_call_.find(call);
  if (groups == by_call_.end()) return;
  for (Group* group : groups->second) {
    Call* known = group->find(call);
    if (known == nullptr || known->app != app) continue;
    const auto other = std::ranges::find_if(others, [&](const std::string& one) {
      return std::ranges::find(group->settings().apps, one) != group->settings().apps.end();
    });
    if (other != others.end()) {
      known->app = *other;
      continue;
    }
    group->leave_apps(std::string(call));
    finish(*group);
  }
}

void Groups::ended(std::string_view call, WallTime now) {
  set_now(now);
  const auto at = by_call_.find(call);
  if (at == by_call_.end()) return;
  for (Group* group : at->second) {
    group->end(std::string(call));
    finish(*group);
  }
  if (!context_.recalling) by_call_.erase(at);
}

void Groups::originating(Connection connection, std::string_view server, std::string_view channel) {
  const Context::Seat* seat = this->seat(connection);
  if (seat == nullptr) return;
  originates_.put(channel_name(server, channel), {seat->group->settings().name, seat->member->name});
}

void Groups::not_originated(std::string_view server, std::string_view channel) {
  originates_.erase(channel_name(server, channel));
}

}  // namespace aribus::groups
