// What members and other programs say and do about calls.
#include <algorithm>
#include <utility>

#include "groups/groups.h"

namespace aribus::groups {

NotOwner Groups::not_owner(const Group& group, const Call* call) {
  NotOwner error{.group = group.settings().name, .owner = "", .epoch = 0};
  if (call == nullptr) return error;
  if (call->owner != nullptr) error.owner = call->owner->name;
  error.epoch = call->epoch;
  return error;
}

Call* Groups::owned(Connection connection, std::string_view id, std::optional<NotOwner>& error) {
  const Context::Seat* seat = this->seat(connection);
  if (seat == nullptr) {
    error = NotOwner{};
    return nullptr;
  }
  Call* call = seat->group->find(id);
  if (call != nullptr && call->owner == seat->member) return call;
  error = not_owner(*seat->group, call);
  return nullptr;
}

std::optional<NotOwner> Groups::check_own(Connection connection, std::string_view id,
                                          std::optional<uint64_t> epoch) const {
  const std::optional<uint64_t> current = epoch_of(connection, id);
  if (current && (!epoch || *epoch == *current)) return {};
  const Context::Seat* seat = this->seat(connection);
  return seat == nullptr ? NotOwner{} : not_owner(*seat->group, std::as_const(*seat->group).find(id));
}

std::optional<uint64_t> Groups::epoch_of(Connection connection, std::string_view id) const {
  const Context::Seat* seat = this->seat(connection);
  const Call* call = seat == nullptr ? nullptr : seat->group->find(id);
  return call == nullptr || call->owner != seat->member ? std::nullopt : std::optional(call->epoch);
}

std::optional<NotOwner> Groups::accept(Connection connection, std::string_view id, WallTime now) {
  set_now(now);
  std::optional<NotOwner> error;
  if (Call* call = owned(connection, id, error)) {
    Group& group = *seat(connection)->group;
    group.accept(*call);
    finish(group);
  }
  return error;
}

std::optional<NotOwner> Groups::decline(Connection connection, std::string_view id, WallTime now) {
  set_now(now);
  std::optional<NotOwner> error;
  if (Call* call = owned(connection, id, error)) {
    Group& group = *seat(connection)->group;
    group.pass_on(*call, "declined");
    finish(group);
  }
  return error;
}

Result<void> Groups::hand_over(Connection connection, std::string_view id, std::string_view to,
                               WallTime now) {
  set_now(now);
  std::optional<NotOwner> error;
  Call* call = owned(connection, id, error);
  if (call == nullptr) return Error{ErrorKind::invalid_params, "the call is not one of this member's", {}};
  Group& group = *seat(connection)->group;
  Member* member = group.find_member(to);
  if (member == nullptr || member->connection == 0) {
    return Error{
        ErrorKind::invalid_params, "the group has no member '" + std::string(to) + "' at present", {}};
  }
  if (member == call->owner) return Error{ErrorKind::invalid_params, "the call is this member's already", {}};
  if (!member->may_be_offered_calls()) {
    return Error{
        ErrorKind::invalid_params,
        "the member '" + std::string(to) + "' " + (member->draining ? "is leaving" : "does not answer"),
        {}};
  }
  group.hand_over(*call, *member);
  finish(group);
  return {};
}

std::optional<NotOwner> Groups::check(Connection connection, std::string_view id,
                                      std::optional<uint64_t> epoch) const {
  const auto groups = by_call_.find(id);
  if (groups == by_call_.end()) return {};
  const Context::Seat* seat = this->seat(connection);
  std::optional<NotOwner> old;  // the epoch of the command is that of no group
  bool is_current = !epoch;
  for (const Group* group : groups->second) {
    const Call* call = group->find(id);
    if (call == nullptr || call->state == CallState::left) continue;
    const bool is_member = seat != nullptr && seat->group == group;
    const bool has_epoch = epoch && *epoch == call->epoch;
    if (is_member && (call->owner != seat->member || (epoch && !has_epoch))) return not_owner(*group, call);
    if (!is_member && group->settings().exclusive) return not_owner(*group, call);
    is_current |= has_epoch;
    if (!old) old = not_owner(*group, call);
  }
  if (is_current) return {};
  return old;
}

std::optional<NotOwner> Groups::check_bridge(Connection connection,
                                             const std::vector<std::string_view>& calls) const {
  const Context::Seat* seat = this->seat(connection);
  std::optional<NotOwner> error;
  for (const std::string_view id : calls) {
    const auto groups = by_call_.find(id);
    if (groups == by_call_.end()) continue;
    for (const Group* group : groups->second) {
      const Call* call = group->find(id);
      if (call == nullptr || call->state == CallState::left) continue;
      const bool is_member = seat != nullptr && seat->group == group;
      if (is_member && call->owner == seat->member) return {};
      if (!error && (is_member || group->settings().exclusive)) error = not_owner(*group, call);
    }
  }
  return error;
}

void Groups::commanded(Connection connection, std::string_view id, WallTime now) {
  set_now(now);
  const Context::Seat* seat = this->seat(connection);
  if (seat == nullptr) return;
  Group& group = *seat->group;
  Call* call = group.find(id);
  if (call == nullptr || call->owner != seat->member) return;
  group.accept(*call);
  finish(group);
}

void Groups::carried_out(Connection connection, std::string_view id, WallTime now) {
  set_now(now);
  const auto groups = by_call_.find(id);
  if (groups == by_call_.end()) return;
  const Context::Seat* seat = this->seat(connection);
  for (Group* group : groups->second) {
    Call* call = group->find(id);
    if (call == nullptr || (seat != nullptr && seat->group == group)) continue;
    group->take_outside(*call);
    finish(*group);
  }
}

void Groups::fallback_failed(std::string_view name, std::string_view id, WallTime now) {
  set_now(now);
  Group* group = this->group(name);
  Call* call = group == nullptr ? nullptr : group->find(id);
  if (call == nullptr) return;
  group->try_fallback_later(*call);
  finish(*group);
}

void Groups::retry_fallbacks(std::string_view server, WallTime now) {
  set_now(now);
  for (const Group* one : all()) {
    Group& group = *groups_.find(one->settings().name)->second;
    group.retry_fallbacks(server);
    finish(group);
  }
}

}  // namespace aribus::groups
