// What an earlier process has decided.
#include <algorithm>

#include "groups/group.h"

namespace aribus::groups {

void Group::recall(const record::GroupAssigned& record, const NewCall& from) {
  Call* call = find(record.call);
  if (call == nullptr || call->state == CallState::left) {  // it comes for the first time, or again
    if (call == nullptr) call = &add_call(from);
    renew(*call, from);
    call->enters = true;
  }
  disown(*call);
  Member* member = find_member(record.member);
  if (member == nullptr) member = &add_member(record.member, !record.member.starts_with('~'));
  const bool accepted = record.reason == "originated" || record.reason == "held";
  call->epoch = record.epoch;
  call->previous = record.previous;
  call->was_accepted |= accepted;
  if (accepted) call->orphaned.reset();
  call->accept_until = from.entered + settings_.accept;
  own(*call, *member, accepted ? CallState::accepted : CallState::offered);
  // Its last chance.
  call->not_before.reset();
  if (const auto due = fallback_due(*call); due && *due <= from.entered)
    call->not_before = call->accept_until;
}

void Group::recall(const record::GroupAccepted& record, const NewCall& from) {
  Call* call = find(record.call);
  if (call == nullptr || call->epoch != record.epoch) {  // the log does not hold the assignment any more
    recall({.group = record.group,
            .call = record.call,
            .member = record.member,
            .epoch = record.epoch,
            .reason = "held",
            .previous = call == nullptr ? "" : call->previous},
           from);
    return;
  }
  if (call->state != CallState::offered) return;
  set_state(*call, CallState::accepted);
  call->was_accepted = true;
  call->orphaned.reset();
  call->not_before.reset();
  call->passes.clear();
}

void Group::recall(const record::GroupReleased& record, const NewCall& from) {
  Call* call = find(record.call);
  if (call == nullptr) call = &add_call(from);
  const Member* owner = call->owner;
  disown(*call);
  if (call->over) return forget(*call);
  call->epoch = std::max(call->epoch, record.epoch);
  call->not_before.reset();
  const std::string& why = record.reason;
  if (why == "ended" || why == "left") {
    set_state(*call, CallState::left);
  } else if (why == "outside") {
    set_state(*call, CallState::outside);
  } else if (why == "fallback") {
    set_state(*call, CallState::fallback);
  } else {
    const bool passed_on = why == "declined" || why == "unanswered";
    if (passed_on && owner != nullptr) note_pass(*call, owner->name, from.entered + settings_.accept);
    call->reason = passed_on && !call->was_accepted ? "passed_on" : "taken_over";
    if (call->was_accepted && !call->orphaned) call->orphaned = from.entered;
  }
}

// Members have not connected yet: those that own calls may take their time, all others are forgotten.
void Group::recalled() {
  std::vector<Member*> idle;
  for (const auto& [name, member] : members_) {
    const milliseconds grace = member->named ? settings_.grace.value_or(holds_time) : holds_time;
    member->away_until = context_.now + std::max(grace, holds_time);
    if (member->calls.empty()) idle.push_back(member.get());
    mark(*member);
  }
  for (Member* member : idle) remove(*member, "disconnected");
  std::vector<std::string> over;
  for (const auto& [id, call] : calls_) {
    if (call->over) over.push_back(id);
  }
  for (const std::string& id : over) end(id);
  recalled_at_ = context_.now;
  // The clock may have been set back since.
  const WallTime accept_until = context_.now + settings_.accept;
  for (const auto& [id, call] : calls_) {
    call->entered = std::min(call->entered, context_.now);
    call->accept_until = std::min(call->accept_until, accept_until);
    if (call->orphaned) call->orphaned = std::min(*call->orphaned, context_.now);
    if (call->not_before) call->not_before = std::min(*call->not_before, accept_until);
    for (Call::Pass& pass : call->passes) pass.until = std::min(pass.until, accept_until);
    if (call->state == CallState::fallback) act(*call, RunFallback{settings_.name, id});
    mark(*call);
  }
}

}  // namespace aribus::groups
