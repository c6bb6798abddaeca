#include "groups/groups.h"

#include <algorithm>

namespace aribus::groups {

Groups::Groups(GroupsOptions options) : max_groups_(options.max_groups) {
  context_.is_bridged = std::move(options.is_bridged);
}

const Settings* Groups::settings(std::string_view name) const {
  const Group* group = find(name);
  return group == nullptr || group->is_provisional() ? nullptr : &group->settings();
}

const Group* Groups::find(std::string_view name) const {
  const auto at = groups_.find(name);
  return at == groups_.end() ? nullptr : at->second.get();
}

Group* Groups::group(std::string_view name) {
  return const_cast<Group*>(std::as_const(*this).find(name));
}

// What is due happens first.
void Groups::set_now(WallTime now) {
  if (context_.recalling) {
    context_.now = now;
    return;
  }
  context_.now = std::max(context_.now, now);
  if (!due_.next() || *due_.next() > context_.now) return;
  std::vector<Group*> due;
  while (Group* group = due_.pop(context_.now)) due.push_back(group);
  for (Group* group : due) {
    group->expire();
    finish(*group);
  }
}

Group& Groups::add(Settings settings) {
  const std::string name = settings.name;
  Settings unknown;
  unknown.name = name;
  Group& group = *groups_.emplace(name, std::make_unique<Group>(unknown, ++numbers_, context_)).first->second;
  set_apps(group, std::move(settings));
  return group;
}

void Groups::set_apps(Group& group, Settings settings) {
  for (const std::string& app : group.settings().apps) {
    const auto at = by_app_.find(app);
    std::erase(at->second, &group);
    if (at->second.empty()) by_app_.erase(at);
  }
  for (const std::string& app : settings.apps) by_app_[app].push_back(&group);
  group.change(std::move(settings));
}

// After everything that may have changed it.
void Groups::finish(Group& group) {
  if (context_.recalling) return;
  group.settle();
  if (group.is_empty() && !group.is_configured()) {
    due_.set(group, {});
    Settings none;
    none.name = group.settings().name;
    set_apps(group, none);
    groups_.erase(groups_.find(none.name));
  } else {
    due_.set(group, group.next());
  }
}

void Groups::configure(std::vector<Settings> configured, WallTime now) {
  set_now(now);
  std::vector<Group*> gone;
  for (const auto& [name, group] : groups_) {
    if (group->is_configured()) gone.push_back(group.get());
    group->set_configured(false);
  }
  for (Settings& wanted : configured) {
    sort_apps(wanted);
    Group* known = group(wanted.name);
    Group& group = known != nullptr ? *known : add(wanted);
    if (known != nullptr) set_apps(group, std::move(wanted));
    group.set_configured(true);
    std::erase(gone, &group);
    finish(group);
  }
  for (Group* group : gone) finish(*group);
}

Result<std::string> Groups::join(const Join& join, const std::optional<Settings>& wanted, WallTime now) {
  set_now(now);
  if (join.member.starts_with('~')) {
    return Error{ErrorKind::invalid_params, "the name of a member does not begin with '~'", {}};
  }
  if (join.member.size() > max_name_bytes) {
    return Error{ErrorKind::invalid_params, "the name of a member has at most 128 bytes", {}};
  }
  if (join.group.size() > max_name_bytes) {
    return Error{ErrorKind::invalid_params, "the name of a group has at most 128 bytes", {}};
  }
  Group* known = group(join.group);
  const bool is_new = known == nullptr || known->is_provisional();
  if (wanted) {
    Settings settings = *wanted;
    settings.name = join.group;
    sort_apps(settings);
    std::string mistake = mistake_in(settings);
    if (mistake.empty() && !is_new) mistake = difference(known->settings(), settings);
    if (!mistake.empty()) return Error{ErrorKind::invalid_params, std::move(mistake), {}};
    if (known == nullptr && groups_.size() >= max_groups_) {
      return Error{ErrorKind::too_much, "there are " + std::to_string(max_groups_) + " groups already", {}};
    }
    if (known == nullptr) {
      known = &add(std::move(settings));
    } else if (is_new) {
      set_apps(*known, std::move(settings));
    }
  } else if (is_new) {
    return Error{ErrorKind::invalid_params,
                 "there is no group '" + join.group +
                     "' yet: its first member gives `apps`, the applications of the group",
                 {}};
  }
  Join seated = join;
  if (const Context::Seat* seat = this->seat(join.connection)) {
    const bool stays = seat->group == known &&
                       (join.member.empty() ? !seat->member->named : seat->member->name == join.member);
    if (stays) {
      seated.member = seat->member->name;
    } else {
      Group& before = *seat->group;
      before.leave(*seat->member, false, {});
      if (&before != known) finish(before);
    }
  }
  const std::string name = known->join(seated).name;
  finish(*known);
  return name;
}

void Groups::leave(Connection connection, bool drain, std::optional<milliseconds> timeout, WallTime now) {
  set_now(now);
  const Context::Seat* seat = this->seat(connection);
  if (seat == nullptr) return;
  Group& group = *seat->group;
  group.leave(*seat->member, drain, timeout);
  finish(group);
}

void Groups::disconnected(Connection connection, WallTime now) {
  set_now(now);
  const Context::Seat* seat = this->seat(connection);
  if (seat == nullptr) return;
  Group& group = *seat->group;
  group.disconnect(*seat->member);
  finish(group);
}

void Groups::alive(Connection connection, WallTime now) {
  set_now(now);
  const Context::Seat* seat = this->seat(connection);
  if (seat == nullptr) return;
  const bool changes = seat->member->suspended;
  seat->group->see_alive(*seat->member);
  if (changes) finish(*seat->group);
}

const Context::Seat* Groups::seat(Connection connection) const {
  const auto at = context_.seats.find(connection);
  return at == context_.seats.end() ? nullptr : &at->second;
}

Group& Groups::group_to_recall(const std::string& name, WallTime time) {
  context_.now = time;
  Group* known = group(name);
  if (known != nullptr) return *known;
  Settings unknown;
  unknown.name = name;
  return add(std::move(unknown));
}

void Groups::recall(const record::GroupAssigned& record, const NewCall& call) {
  group_to_recall(record.group, call.entered).recall(record, call);
  note(record.call, *group(record.group));
}

void Groups::recall(const record::GroupAccepted& record, const NewCall& call) {
  group_to_recall(record.group, call.entered).recall(record, call);
  note(record.call, *group(record.group));
}

void Groups::recall(const record::GroupReleased& record, const NewCall& call) {
  group_to_recall(record.group, call.entered).recall(record, call);
  note(record.call, *group(record.group));
}

void Groups::recalled(WallTime now) {
  context_.recalling = false;
  context_.now = now;
  expect_holds(now);
  std::vector<Group*> groups;
  for (const auto& [name, group] : groups_) groups.push_back(group.get());
  std::ranges::sort(groups, {}, &Group::number);
  for (Group* group : groups) {
    group->recalled();
    finish(*group);
  }
  by_call_.clear();
  for (const auto& [name, group] : groups_) {
    for (const auto& [id, call] : group->calls()) note(id, *group);
  }
  set_now(now);
}

void Groups::expect_holds(WallTime now) {
  set_now(now);
  context_.holds_until = context_.now + holds_time;
}

std::vector<Owned> Groups::calls_of(Connection connection) const {
  std::vector<Owned> calls;
  const Context::Seat* seat = this->seat(connection);
  if (seat == nullptr) return calls;
  for (const Call* call : seat->member->calls) {
    calls.push_back({call->id, call->app, call->epoch, call->state == CallState::accepted, call->previous});
  }
  return calls;
}

std::optional<std::pair<std::string, std::string>> Groups::member_of(Connection connection) const {
  const Context::Seat* seat = this->seat(connection);
  if (seat == nullptr) return {};
  return std::pair(seat->group->settings().name, seat->member->name);
}

std::vector<const Group*> Groups::all() const {
  std::vector<const Group*> groups;
  for (const auto& [name, group] : groups_) groups.push_back(group.get());
  std::ranges::sort(groups, {},
                    [](const Group* group) -> const std::string& { return group->settings().name; });
  return groups;
}

std::map<std::string, Stats> Groups::stats(WallTime now) const {
  std::map<std::string, Stats> all;
  for (const auto& [name, group] : groups_) all.emplace(name, group->stats(now));
  return all;
}

}  // namespace aribus::groups
