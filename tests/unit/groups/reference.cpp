#include "tests/unit/groups/reference.h"

#include <algorithm>
#include <tuple>

namespace aribus::test {

using groups::CallState;
using groups::Connection;
using namespace std::chrono_literals;

Reference::Call* Reference::call(const std::string& id) {
  for (Call& call : calls_) {
    if (call.id == id) return &call;
  }
  return nullptr;
}

const Reference::Call* Reference::find(const std::string& id) const {
  return const_cast<Reference*>(this)->call(id);
}

Reference::Member* Reference::member(const std::string& name) {
  for (Member& member : members_) {
    if (member.name == name) return &member;
  }
  return nullptr;
}

Reference::Member* Reference::at(Connection connection) {
  for (Member& member : members_) {
    if (member.connection == connection) return &member;
  }
  return nullptr;
}

size_t Reference::load(const std::string& member) const {
  return static_cast<size_t>(
      std::ranges::count_if(calls_, [&](const Call& call) { return call.owner == member; }));
}

bool Reference::takes_calls(const Member& member) const {
  return member.connection != 0 && !member.suspended && !member.draining &&
         load(member.name) < member.capacity;
}

std::string Reference::choose(const Call& call) const {
  const auto keys = keys_.find(call.key);
  if (!call.key.empty() && keys != keys_.end()) {
    bool waits = false;
    for (const std::string& name : keys->second) {
      const Member& member = *const_cast<Reference*>(this)->member(name);
      if (member.suspended || member.draining || call.passes.contains(name)) continue;
      if (takes_calls(member)) return name;
      waits = !call.affinity_is_over;
    }
    if (waits) return "";
  }
  const Member* best = nullptr;
  for (const Member& member : members_) {
    if (!takes_calls(member) || call.passes.contains(member.name)) continue;
    const auto place = [&](const Member& m) {
      return std::tuple(load(m.name), m.last_offer, std::string_view(m.name));
    };
    if (best == nullptr || place(member) < place(*best)) best = &member;
  }
  return best == nullptr ? "" : best->name;
}

bool Reference::waits_in_vain(const Call& call) const {
  return call.state == CallState::waiting && !call.held_until && !choose(call).empty();
}

// The first call that can go to somebody does, until there is none.
void Reference::settle(WallTime now) {
  while (true) {
    Call* first = nullptr;
    for (Call& call : calls_) {
      std::erase_if(call.passes, [&](const auto& pass) { return pass.second <= now; });
      if (call.state != CallState::waiting || call.held_until) continue;
      if (call.orphaned.value_or(call.entered) + settings_.fallback_after <= now)
        call.affinity_is_over = true;
      const bool goes_before = first == nullptr || (call.was_accepted && !first->was_accepted);
      if (goes_before && !choose(call).empty()) first = &call;
    }
    if (first == nullptr) break;
    assign(*first, *member(choose(*first)), CallState::offered, now);
  }
  for (size_t i = members_.size(); i-- > 0;) {
    if (members_[i].draining && load(members_[i].name) == 0) remove(members_[i].name, now);
  }
}

void Reference::assign(Call& call, Member& member, CallState state, WallTime now) {
  call.claimed = 0;
  call.epoch = std::max(call.epoch + 1, static_cast<uint64_t>(now.time_since_epoch().count()));
  call.owner = member.name;
  call.state = state;
  call.assigned = now;
  call.held_until.reset();
  if (state == CallState::accepted) {
    call.was_accepted = true;
    call.orphaned.reset();
  } else {
    member.last_offer = ++offers_;
  }
  std::vector<std::string>& holders = keys_[call.key];
  if (std::ranges::find(holders, member.name) == holders.end()) holders.push_back(member.name);
}

void Reference::disown(Call& call) {
  call.state = CallState::waiting;
  const std::string owner = std::exchange(call.owner, "");
  const bool has_more = std::ranges::any_of(
      calls_, [&](const Call& other) { return other.owner == owner && other.key == call.key; });
  if (!has_more) std::erase(keys_[call.key], owner);
}

void Reference::lose(Call& call, WallTime now) {
  disown(call);
  if (call.was_accepted && !call.orphaned) call.orphaned = now;
}

void Reference::pass_on(Call& call, WallTime now) {
  call.passes[call.owner] = now + settings_.accept;
  lose(call, now);
}

void Reference::remove(const std::string& name, WallTime now) {
  for (Call& call : calls_) {
    if (call.owner == name) lose(call, now);
  }
  std::erase_if(members_, [&](const Member& member) { return member.name == name; });
}

void Reference::fall_back(Call& call) {
  disown(call);
  call.state = CallState::fallback;
  outcomes[call.id] = "fallback";
}

void Reference::try_fallback(Call& call, WallTime now) {
  if (!bridged_.contains(call.id)) return fall_back(call);
  call.not_before = now + 1s;
}

std::optional<WallTime> Reference::fallback_due(const Call& call) const {
  if (call.state != CallState::waiting && call.state != CallState::offered) return {};
  if (settings_.fallback == groups::Fallback::none) return {};
  if (call.was_accepted && (settings_.orphan == groups::Orphan::keep || !call.orphaned)) return {};
  const WallTime due =
      call.was_accepted ? *call.orphaned + settings_.orphan_after : call.entered + settings_.fallback_after;
  return std::max(due, call.not_before.value_or(due));
}

void Reference::advance(WallTime now) {
  std::vector<Call*> last_chance;
  for (Call& call : calls_) {
    const bool waits = call.state == CallState::waiting;
    if (call.state == CallState::offered && call.assigned + settings_.accept <= now) {
      Member& owner = *member(call.owner);
      pass_on(call, now);
      if (++owner.unanswered >= 3) owner.suspended = true;
    }
    if (call.held_until && *call.held_until <= now) call.held_until.reset();
    if (const auto due = fallback_due(call); due && *due <= now) {
      waits ? last_chance.push_back(&call) : try_fallback(call, now);
    }
  }
  for (const Member& each : std::vector<Member>(members_)) {
    Member& member = *this->member(each.name);
    if (member.connection == 0) {
      if (*member.away_until <= now) remove(each.name, now);
    } else if (member.drain_until && *member.drain_until <= now) {
      remove(each.name, now);
    } else if (settings_.lease && !member.suspended && member.last_sign + *settings_.lease <= now) {
      for (Call& call : calls_) {
        if (call.owner == member.name) lose(call, now);
      }
      member.suspended = true;
    }
  }
  settle(now);
  for (Call* call : last_chance) {
    if (call->state == CallState::offered) call->not_before = now + settings_.accept;
    if (call->state == CallState::waiting) try_fallback(*call, now);
  }
  settle(now);
}

void Reference::join(const groups::Join& join, WallTime now) {
  advance(now);
  std::string name = join.member;
  if (Member* before = at(join.connection)) {
    if (before->named ? before->name == name : name.empty()) {
      name = before->name;
    } else {
      remove(before->name, now);
    }
  }
  if (name.empty()) {
    name = "~" + std::to_string(now.time_since_epoch().count()) + "-" + std::to_string(join.connection);
  }
  if (member(name) == nullptr) {
    members_.push_back({.name = name, .named = !join.member.empty(), .last_sign = now});
  }
  Member& joined = *member(name);
  joined.connection = join.connection;
  joined.capacity = join.capacity;
  joined.draining = joined.suspended = false;
  joined.unanswered = 0;
  joined.drain_until.reset();
  joined.away_until.reset();
  joined.last_sign = now;
  for (const groups::Held& held : join.holds) {
    if (now >= holds_until_) break;
    if (Call* known = call(held.call)) {
      claim(*known, joined, held.epoch, now);
    } else if (!claims_.contains(held.call) || claims_[held.call].second < held.epoch) {
      claims_[held.call] = {name, held.epoch};
    }
  }
  settle(now);
}

void Reference::claim(Call& call, Member& member, uint64_t epoch, WallTime now) {
  if (call.owner == member.name && call.claimed == 0 && epoch == call.epoch) return;
  Member* owner = this->member(call.owner);
  const bool open = call.state == CallState::waiting
                        ? call.held_until.has_value()
                        : owner != nullptr && (owner->connection == 0 || call.claimed != 0);
  if (!open || epoch < call.epoch || (call.claimed != 0 && epoch == call.epoch)) return;
  if (owner != nullptr) disown(call);
  assign(call, member, CallState::accepted, now);
  call.epoch = call.claimed = epoch;
  outcomes[call.id] = "accepted";
}

void Reference::leave(Connection connection, bool drain, std::optional<std::chrono::milliseconds> timeout,
                      WallTime now) {
  advance(now);
  Member* member = at(connection);
  if (member == nullptr) return;
  if (drain) {
    member->draining = true;
    if (timeout) member->drain_until = now + *timeout;
  } else {
    remove(member->name, now);
  }
  settle(now);
}

void Reference::disconnect(Connection connection, WallTime now) {
  advance(now);
  Member* member = at(connection);
  if (member == nullptr) return;
  member->connection = 0;
  if (member->named && settings_.grace && load(member->name) > 0) {
    member->away_until = now + *settings_.grace;
  } else {
    remove(member->name, now);
  }
  settle(now);
}

void Reference::alive(Connection connection, WallTime now) {
  advance(now);
  Member* member = at(connection);
  if (member == nullptr) return;
  member->last_sign = now;
  member->unanswered = 0;
  member->suspended = false;
  settle(now);
}

void Reference::enter(const std::string& id, const std::string& key, bool recovered, WallTime now) {
  advance(now);
  Call* known = call(id);
  if (known != nullptr && known->state != CallState::left) {
    if (!std::exchange(known->enters, false)) return;
    std::string owner = known->owner;
    const CallState state = known->state;
    if (!owner.empty()) disown(*known);
    known->entered = now;
    known->key = key;
    known->owner = owner;
    known->state = state;
    if (!owner.empty() && std::ranges::find(keys_[key], owner) == keys_[key].end())
      keys_[key].push_back(owner);
    return settle(now);
  }
  if (known == nullptr) {
    calls_.push_back({.id = id});
    known = &calls_.back();
  }
  *known = {.id = id, .key = key, .epoch = known->epoch, .was_accepted = recovered, .entered = now};
  if (recovered) known->orphaned = now;
  if (recovered && now < holds_until_) {
    known->held_until = holds_until_;
    const auto claimed = claims_.find(id);
    Member* by = claimed == claims_.end() ? nullptr : member(claimed->second.first);
    if (by != nullptr && by->connection != 0) claim(*known, *by, claimed->second.second, now);
  }
  claims_.erase(id);
  settle(now);
}

void Reference::originated(const std::string& id, const std::string& name, WallTime now) {
  advance(now);
  calls_.push_back({.id = id, .entered = now, .enters = true});
  if (Member* owner = member(name)) {
    assign(calls_.back(), *owner, CallState::accepted, now);
  } else {
    calls_.back().was_accepted = true;
    calls_.back().orphaned = now;
  }
  settle(now);
}

void Reference::leave_app(const std::string& id, WallTime now) {
  advance(now);
  Call* known = call(id);
  if (known == nullptr) return;
  disown(*known);
  known->state = CallState::left;
  outcomes.emplace(id, "ended");
  settle(now);
}

void Reference::end(const std::string& id, WallTime now) {
  advance(now);
  Call* known = call(id);
  if (known == nullptr) return;
  disown(*known);
  outcomes.emplace(id, "ended");
  calls_.erase(calls_.begin() + (known - calls_.data()));
  settle(now);
}

Reference::Call* Reference::owned(Connection connection, const std::string& id) {
  Call* known = call(id);
  const Member* member = at(connection);
  return known != nullptr && member != nullptr && known->owner == member->name ? known : nullptr;
}

void Reference::accept(Connection connection, const std::string& id, WallTime now) {
  advance(now);
  Call* mine = owned(connection, id);
  if (mine == nullptr || mine->state != CallState::offered) return;
  mine->state = CallState::accepted;
  mine->was_accepted = true;
  mine->orphaned.reset();
  mine->not_before.reset();
  mine->passes.clear();
  mine->affinity_is_over = false;
  outcomes[id] = "accepted";
}

void Reference::decline(Connection connection, const std::string& id, WallTime now) {
  advance(now);
  if (Call* mine = owned(connection, id)) pass_on(*mine, now);
  settle(now);
}

void Reference::hand_over(Connection connection, const std::string& id, const std::string& to, WallTime now) {
  advance(now);
  Call* mine = owned(connection, id);
  Member* member = this->member(to);
  if (mine == nullptr || member == nullptr || member->connection == 0 || mine->owner == to ||
      member->suspended || member->draining) {
    return;
  }
  lose(*mine, now);
  assign(*mine, *member, CallState::offered, now);
  settle(now);
}

bool Reference::may_command(Connection connection, const std::string& id,
                            std::optional<uint64_t> epoch) const {
  const Call* known = find(id);
  if (known == nullptr || known->state == CallState::left) return true;
  const Member* member = const_cast<Reference*>(this)->at(connection);
  if (member == nullptr) return !settings_.exclusive && (!epoch || *epoch == known->epoch);
  return known->owner == member->name && (!epoch || *epoch == known->epoch);
}

void Reference::command(Connection connection, const std::string& id, std::optional<uint64_t> epoch,
                        WallTime now) {
  alive(connection, now);
  if (!may_command(connection, id, epoch)) return;
  if (at(connection) != nullptr) return accept(connection, id, now);
  Call* known = call(id);
  if (known == nullptr || known->state != CallState::waiting) return;
  known->state = CallState::outside;
  outcomes[id] = "outside";
}

void Reference::expect_holds(WallTime now) {
  advance(now);
  holds_until_ = now + 2s;
}

// Members have no connection, and only the calls that they own are known of them.
void Reference::restart(bool keeps_log, WallTime now) {
  holds_until_ = now + 2s;
  claims_.clear();
  offers_ = 0;
  if (!keeps_log) {
    calls_.clear();
    members_.clear();
    keys_.clear();
  }
  for (const Member& each : std::vector<Member>(members_)) {
    if (load(each.name) == 0) {
      remove(each.name, now);
      continue;
    }
    const auto grace = each.named ? settings_.grace.value_or(2s) : 2s;
    *member(each.name) = {.name = each.name, .named = each.named, .last_sign = now};
    member(each.name)->away_until = now + std::max<std::chrono::milliseconds>(grace, 2s);
  }
  for (Call& call : calls_) {
    call.held_until.reset();
    call.claimed = 0;
    call.affinity_is_over = false;
    call.not_before.reset();
    if (call.state != CallState::offered) continue;
    if (const auto due = fallback_due(call); due && *due <= call.assigned)
      call.not_before = call.assigned + settings_.accept;
  }
  advance(now);
}

}  // namespace aribus::test
