// What happens when nothing happens.
#include <algorithm>

#include "groups/group.h"

namespace aribus::groups {
namespace {

constexpr unsigned max_unanswered = 3;
constexpr milliseconds pause{1000};  // until a fallback that is not possible now is tried again

template <typename... Times>
std::optional<WallTime> earliest(const Times&... times) {
  std::optional<WallTime> first;
  for (const std::optional<WallTime>& time : {std::optional<WallTime>(times)...}) {
    if (time && (!first || *time < *first)) first = time;
  }
  return first;
}

}  // namespace

// The call has no owner who has accepted it, and the daemon takes it then.
std::optional<WallTime> Group::fallback_due(const Call& call) const {
  if (settings_.fallback == Fallback::none) return {};
  if (call.state != CallState::waiting && call.state != CallState::offered) return {};
  WallTime due = call.entered + settings_.fallback_after;
  if (call.was_accepted) {
    if (settings_.orphan == Orphan::keep || !call.orphaned) return {};
    due = *call.orphaned + settings_.orphan_after;
  }
  return call.not_before ? std::max(due, *call.not_before) : due;
}

// Then it waits no longer for a member that has calls with its key.
std::optional<WallTime> Group::affinity_due(const Call& call) const {
  if (call.key.empty() || call.affinity_is_over || call.state != CallState::waiting) return {};
  return call.orphaned.value_or(call.entered) + settings_.fallback_after;
}

std::optional<WallTime> Group::due_of(const Call& call) const {
  if (call.state == CallState::fallback) return call.not_before;
  std::optional<WallTime> accept, pass;
  if (call.state == CallState::offered) accept = call.accept_until;
  if (call.state == CallState::waiting) {
    for (const Call::Pass& passed : call.passes) pass = earliest(pass, passed.until);
  }
  return earliest(accept, pass, fallback_due(call), affinity_due(call), call.held_until);
}

std::optional<WallTime> Group::due_of(const Member& member) const {
  if (member.connection == 0) return member.away_until;
  std::optional<WallTime> silent;
  if (settings_.lease && !member.suspended) silent = member.last_sign + *settings_.lease;
  return earliest(silent, member.drain_until);
}

std::optional<WallTime> Group::next() const {
  return earliest(call_deadlines_.next(), member_deadlines_.next());
}

void Group::expire() {
  std::vector<Call*> last_chance;
  std::vector<Call*> calls;
  while (Call* call = call_deadlines_.pop(context_.now)) calls.push_back(call);
  for (Call* call : calls) expire(*call, last_chance);
  std::vector<Member*> members;
  while (Member* member = member_deadlines_.pop(context_.now)) members.push_back(member);
  for (Member* member : members) expire(*member);
  settle();
  for (Call* call : last_chance) {
    if (call->state == CallState::offered) {
      call->not_before = call->accept_until;
      schedule(*call);
    } else if (call->state == CallState::waiting) {
      try_fallback(*call);
    }
  }
  settle();
}

// A call that waits has a last chance: whoever has room now is offered it. A call that is offered has had its
// own.
void Group::expire(Call& call, std::vector<Call*>& last_chance) {
  if (call.state == CallState::fallback) return try_fallback(call);  // it has failed before
  const WallTime now = context_.now;
  const bool waits = call.state == CallState::waiting;
  if (call.state == CallState::offered && call.accept_until <= now) {
    Member& member = *call.owner;
    pass_on(call, "unanswered");
    if (++member.unanswered >= max_unanswered) suspend(member);
  }
  if (call.held_until && *call.held_until <= now) call.held_until.reset();
  if (const auto due = fallback_due(call); due && *due <= now) {
    waits ? last_chance.push_back(&call) : try_fallback(call);
  }
  mark(call);
}

void Group::expire(Member& member) {
  const WallTime now = context_.now;
  if (member.connection == 0) {
    if (member.away_until && *member.away_until <= now) remove(member, "disconnected");
    return;
  }
  if (member.drain_until && *member.drain_until <= now) return remove(member, "member_left");
  mark(member);
  if (!settings_.lease || member.suspended || member.last_sign + *settings_.lease > now) return;
  lose_calls(member, "lease");
  suspend(member);
}

void Group::try_fallback(Call& call) {
  if (!context_.is_bridged(call.id))
    return call.state == CallState::fallback ? run_fallback(call) : fall_back(call);
  call.not_before = context_.now + pause;
  mark(call);
}

void Group::retry_fallbacks(std::string_view server) {
  const auto& fallen = calls(CallState::fallback);
  for (Call* call : std::vector<Call*>(fallen.begin(), fallen.end())) {
    if (call->server == server && call->not_before) try_fallback(*call);
  }
}

void Group::try_fallback_later(Call& call) {
  if (call.state != CallState::fallback) return;
  call.not_before = context_.now + pause;
  mark(call);
}

}  // namespace aribus::groups
