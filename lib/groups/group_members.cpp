// Members that come, go, hang and are heard of again.
#include <string>

#include "groups/group.h"

namespace aribus::groups {
namespace {

constexpr std::chrono::hours longest_ahead{24};  // of an epoch that a program claims, before the clock

}  // namespace

Member& Group::add_member(const std::string& name, bool named) {
  Member& member = *members_.emplace(name, std::make_unique<Member>()).first->second;
  member.name = name;
  member.named = named;
  member.number = ++numbers_;
  return member;
}

// No program may choose such a name as unnamed members get: in none of this daemon's lives another one has
// it.
Member& Group::join(const Join& join) {
  std::string name = join.member;
  if (name.empty()) {
    name =
        "~" + std::to_string(context_.now.time_since_epoch().count()) + "-" + std::to_string(join.connection);
  }
  Member* member = find_member(name);
  if (member == nullptr) member = &add_member(name, !join.member.empty());
  if (member->connection != 0 && member->connection != join.connection) {
    context_.seats.erase(member->connection);
    context_.actions.push_back({{}, {}, CloseConnection{member->connection, settings_.name, name}});
  }
  member->connection = join.connection;
  context_.seats[join.connection] = {this, member};
  member->capacity = join.capacity;
  member->draining = false;
  member->drain_until.reset();
  member->away_until.reset();
  see_alive(*member);
  context_.now < context_.holds_until ? take_claims(*member, join.holds) : claims_.clear();
  mark(*member);
  return *member;
}

void Group::leave(Member& member, bool drain, std::optional<milliseconds> timeout) {
  if (!drain) return remove(member, "member_left");
  member.draining = true;
  if (timeout) member.drain_until = context_.now + *timeout;
  free_waiting(member);
  mark(member);  // it may have no calls
}

void Group::disconnect(Member& member) {
  context_.seats.erase(member.connection);
  member.connection = 0;
  if (!member.named || !settings_.grace || member.calls.empty()) return remove(member, "disconnected");
  member.away_until = context_.now + *settings_.grace;
  mark(member);
}

void Group::see_alive(Member& member) {
  member.last_sign = context_.now;
  member.unanswered = 0;
  if (!member.suspended) return;
  member.suspended = false;
  mark(member);
}

// Its next request makes it available again.
void Group::suspend(Member& member) {
  member.suspended = true;
  free_waiting(member);
  mark(member);
}

void Group::remove(Member& member, std::string_view why) {
  if (member.connection != 0) {
    if (member.draining) {
      context_.actions.push_back({{}, {}, MemberLeft{member.connection, settings_.name, member.name}});
    }
    context_.seats.erase(member.connection);
    member.connection = 0;
  }
  lose_calls(member, why);
  free_waiting(member);
  update_place(member);
  std::erase(dirty_members_, &member);
  member_deadlines_.set(member, {});
  members_.erase(members_.find(member.name));
}

void Group::lose_calls(Member& member, std::string_view why) {
  while (!member.calls.empty()) lose(**member.calls.begin(), why);
}

// Calls that wait for it may go to others now.
void Group::free_waiting(Member& member) {
  for (Call* call : Affinity::waiting_for(member)) mark(*call);
}

void Group::take_claims(Member& member, std::span<const Held> holds) {
  const auto latest = context_.now + longest_ahead;
  for (const Held& held : holds) {
    if (held.epoch > static_cast<uint64_t>(latest.time_since_epoch().count())) continue;
    Call* call = find(held.call);
    if (call != nullptr) {
      take_claim(*call, member, held.epoch);
      continue;
    }
    const Claim* claim = claims_.find(held.call);
    if (claim == nullptr || claim->epoch < held.epoch) claims_.put(held.call, {member.name, held.epoch});
  }
}

// Of several members the one with the highest epoch was the last that the daemon told so; of two with the
// same, the first one that says so. A claim that an owner has made good in this life of the daemon needs a
// higher one.
bool Group::take_claim(Call& call, Member& member, uint64_t epoch) {
  if (call.owner == &member && call.claimed == 0 && epoch == call.epoch) return true;  // it is known to be so
  const bool open = call.state == CallState::waiting ? call.held_until.has_value()
                    : call.owner != nullptr          ? call.owner->connection == 0 || call.claimed != 0
                                                     : false;
  const bool higher = call.claimed == 0 ? epoch >= call.epoch : epoch > call.epoch;
  if (!open || !higher) return false;
  if (call.owner != nullptr) release(call, "displaced");
  call.claimed = epoch;
  assign(call, member, "held", CallState::accepted);
  return true;
}

}  // namespace aribus::groups
