// Who gets which call.
#include <algorithm>

#include "groups/group.h"

namespace aribus::groups {

void Group::mark(Call& call) {
  if (call.dirty || context_.recalling) return;  // recalled() marks all
  call.dirty = true;
  dirty_calls_.insert(&call);
}

void Group::mark(Member& member) {
  if (member.dirty || context_.recalling) return;
  member.dirty = true;
  dirty_members_.push_back(&member);
}

void Group::update_place(Member& member) {
  std::optional<std::pair<size_t, uint64_t>> place;
  if (member.takes_calls()) place = {member.calls.size(), member.last_offer};
  if (place == member.place) return;
  if (member.place) available_.erase({*member.place, member.name, &member});
  member.place = place;
  if (place) available_.insert({*place, member.name, &member});
}

void Group::unqueue(Call& call) {
  if (std::exchange(call.queued, false)) queue_.erase(&call);
  if (std::exchange(call.waits_for_key, false)) affinity_.wait_no_longer(call);
}

// The first call that waits and could go to the member. Only calls that it has passed on lately are skipped.
Call* Group::next_for(const Member& member) const {
  if (!member.takes_calls()) return nullptr;
  Call* next = Affinity::next_for(member);
  for (Call* call : queue_) {
    if (next != nullptr && ByPriority()(next, call)) break;
    if (!call->was_passed_on_by(member.name)) return call;
  }
  return next;
}

// nullptr: nobody has room; or it is to wait for one that has calls with the same key.
Member* Group::choose(const Call& call, bool& waits_for_key) {
  const AffinityKey* key = call.key.empty() ? nullptr : affinity_.find(call.key);
  if (key != nullptr) {
    for (const AffinityKey::Holder& holder : key->holders) {
      if (!holder.member->may_be_offered_calls() || call.was_passed_on_by(holder.member->name)) continue;
      if (holder.member->takes_calls()) return holder.member;
      waits_for_key = !call.affinity_is_over;
    }
    if (waits_for_key) return nullptr;
  }
  for (const auto& [place, name, member] : available_) {
    if (!call.was_passed_on_by(member->name)) return member;
  }
  return nullptr;
}

void Group::place(Call& call) {
  unqueue(call);
  if (call.state == CallState::waiting && !call.held_until) {
    std::erase_if(call.passes, [&](const Call::Pass& pass) { return pass.until <= context_.now; });
    if (const auto due = affinity_due(call); due && *due <= context_.now) call.affinity_is_over = true;
    bool waits_for_key = false;
    if (Member* member = choose(call, waits_for_key)) {
      assign(call, *member, call.reason, CallState::offered);
      update_place(*member);
      return;
    }
    call.waits_for_key = waits_for_key;
    call.queued = !waits_for_key;
    waits_for_key ? affinity_.wait(call) : void(queue_.insert(&call));
  }
  schedule(call);
}

void Group::settle() {
  for (Member* member : dirty_members_) update_place(*member);
  while (true) {
    Call* next = dirty_calls_.empty() ? nullptr : *dirty_calls_.begin();
    for (const Member* member : dirty_members_) {
      Call* call = next_for(*member);
      if (call != nullptr && (next == nullptr || ByPriority()(call, next))) next = call;
    }
    if (next == nullptr) break;
    if (std::exchange(next->dirty, false)) dirty_calls_.erase(next);
    place(*next);
  }
  std::vector<Member*> drained;
  for (Member* member : dirty_members_) {
    member->dirty = false;
    schedule(*member);
    if (member->draining && member->calls.empty()) drained.push_back(member);
  }
  dirty_members_.clear();
  for (Member* member : drained) remove(*member, "member_left");
  dirty_members_.clear();
}

}  // namespace aribus::groups
