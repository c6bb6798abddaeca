// Calls that come, change hands and go.
#include <algorithm>

#include "groups/group.h"

namespace aribus::groups {

void Group::act(const Call& call, decltype(Action::what) what) {
  context_.actions.push_back({call.server, call.app, std::move(what)});
}

Call& Group::add_call(const NewCall& from) {
  Call& call = *calls_.emplace(from.id, std::make_unique<Call>()).first->second;
  call.id = from.id;
  call.number = ++numbers_;
  by_state_[static_cast<size_t>(call.state)].insert(&call);
  renew(call, from);
  return call;
}

// It comes for the first time, or again.
void Group::renew(Call& call, const NewCall& from) {
  call.server = from.server;
  call.app = from.app;
  call.key = from.key;
  call.entered = std::min(from.entered, context_.now);
  set_state(call, CallState::waiting);
  call.reason = from.recovered ? "taken_over" : "new";
  call.was_accepted = from.recovered;
  call.orphaned.reset();
  if (from.recovered) call.orphaned = context_.now;
  call.not_before.reset();
  call.held_until.reset();
  call.passes.clear();
  call.affinity_is_over = false;
  call.enters = false;
}

void Group::enter(const NewCall& from) {
  Call* call = find(from.id);
  if (call != nullptr && call->state != CallState::left) {
    if (std::exchange(call->enters, false)) complete(*call, from);
    return;
  }
  if (call == nullptr) {
    call = &add_call(from);
  } else {
    renew(*call, from);
  }
  if (from.recovered && context_.now < context_.holds_until) call->held_until = context_.holds_until;
  if (const Claim* claim = claims_.find(from.id); claim != nullptr && call->held_until) {
    Member* member = find_member(claim->member);
    if (member != nullptr && member->connection != 0) take_claim(*call, *member, claim->epoch);
  }
  claims_.erase(from.id);
  mark(*call);
}

// It is known, and its StasisStart tells more.
void Group::complete(Call& call, const NewCall& from) {
  call.app = from.app;
  call.entered = from.entered;
  if (!call.key.empty() || from.key.empty()) return;
  call.key = from.key;
  if (call.owner == nullptr) return;
  affinity_.add(call.key, *call.owner);
  mark(*call.owner);  // others may wait with this key
}

void Group::begin_owned(const NewCall& from, const std::string& name) {
  if (find(from.id) != nullptr) return;
  Call& call = add_call(from);
  call.enters = true;
  if (Member* member = find_member(name)) return assign(call, *member, "originated", CallState::accepted);
  call.previous = name;
  call.reason = "taken_over";
  call.was_accepted = true;
  call.orphaned = context_.now;
  mark(call);
}

void Group::end(const std::string& id) {
  Call* call = find(id);
  if (call == nullptr) return;
  if (context_.recalling) {  // group.released follows
    call->over = true;
    return;
  }
  if (call->owner != nullptr) release(*call, "ended");
  forget(*call);
}

void Group::leave_apps(const std::string& id) {
  Call* call = find(id);
  if (call == nullptr) return;
  if (context_.recalling && call->owner != nullptr) return;  // group.released follows
  if (call->owner != nullptr) release(*call, "left");
  set_state(*call, CallState::left);
  mark(*call);
}

void Group::forget(Call& call) {
  unqueue(call);
  if (call.dirty) dirty_calls_.erase(&call);
  call_deadlines_.set(call, {});
  by_state_[static_cast<size_t>(call.state)].erase(&call);
  calls_.erase(calls_.find(call.id));
}

void Group::set_state(Call& call, CallState state) {
  if (call.state == state) return;
  by_state_[static_cast<size_t>(call.state)].erase(&call);
  call.state = state;
  by_state_[static_cast<size_t>(state)].insert(&call);
}

void Group::accept(Call& call) {
  if (call.state != CallState::offered) return;
  set_state(call, CallState::accepted);
  call.was_accepted = true;
  call.orphaned.reset();
  call.not_before.reset();
  call.passes.clear();
  call.affinity_is_over = false;
  schedule(call);
  act(call, record::GroupAccepted{
                .group = settings_.name, .call = call.id, .member = call.owner->name, .epoch = call.epoch});
}

void Group::pass_on(Call& call, std::string_view why) {
  const std::string member = call.owner->name;
  lose(call, why);
  note_pass(call, member, context_.now + settings_.accept);
  call.reason = call.was_accepted ? "taken_over" : "passed_on";
}

void Group::note_pass(Call& call, const std::string& member, WallTime until) {
  std::erase_if(call.passes, [&](const Call::Pass& pass) { return pass.member == member; });
  call.passes.push_back({member, until});
}

void Group::hand_over(Call& call, Member& to) {
  lose(call, "handed_over");
  assign(call, to, "handed_over", CallState::offered);
}

void Group::take_outside(Call& call) {
  if (call.state != CallState::waiting) return;
  release(call, "outside");
  set_state(call, CallState::outside);
  mark(call);
}

void Group::fall_back(Call& call) {
  release(call, "fallback");
  set_state(call, CallState::fallback);
  ++fallbacks_;
  run_fallback(call);
}

void Group::run_fallback(Call& call) {
  call.not_before.reset();
  act(call, RunFallback{settings_.name, call.id});
  mark(call);
}

void Group::assign(Call& call, Member& member, std::string_view reason, CallState state) {
  unqueue(call);
  const auto now = static_cast<uint64_t>(context_.now.time_since_epoch().count());
  call.epoch = reason == "held" ? call.claimed : std::max(call.epoch + 1, now);
  if (reason != "held") call.claimed = 0;
  own(call, member, state);
  if (state == CallState::accepted) {
    call.was_accepted = true;
    call.orphaned.reset();
  } else {
    call.accept_until = context_.now + settings_.accept;
    member.last_offer = ++offers_;
  }
  takeovers_ += reason == "taken_over";
  act(call, record::GroupAssigned{.group = settings_.name,
                                  .call = call.id,
                                  .member = member.name,
                                  .epoch = call.epoch,
                                  .reason = std::string(reason),
                                  .previous = call.previous});
  mark(member);
  schedule(call);
}

void Group::own(Call& call, Member& member, CallState state) {
  call.owner = &member;
  set_state(call, state);
  call.held_until.reset();
  member.calls.insert(&call);
  if (!call.key.empty()) affinity_.add(call.key, member);
}

// It belongs to nobody of the group any more. What becomes of it is up to the caller.
void Group::release(Call& call, std::string_view why) {
  act(call, record::GroupReleased{.group = settings_.name,
                                  .call = call.id,
                                  .member = call.owner == nullptr ? "" : call.owner->name,
                                  .epoch = call.epoch,
                                  .reason = std::string(why)});
  disown(call);
}

void Group::disown(Call& call) {
  set_state(call, CallState::waiting);
  Member* member = std::exchange(call.owner, nullptr);
  if (member == nullptr) return;
  call.previous = member->name;
  member->calls.erase(&call);
  mark(*member);
  if (call.key.empty()) return;
  for (Call* waiting : affinity_.remove(call.key, *member)) mark(*waiting);
}

// Its owner has it no longer, and somebody else is to get it.
void Group::lose(Call& call, std::string_view why) {
  release(call, why);
  call.reason = "taken_over";
  if (call.was_accepted && !call.orphaned) call.orphaned = context_.now;
  mark(call);
}

}  // namespace aribus::groups
