// Random histories of a group, compared with the rules as tests/unit/groups/reference.cpp has them.
#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <sstream>

#include "tests/catch.h"
#include "tests/unit/groups/reference.h"
#include "tests/unit/groups/stage.h"

using namespace aribus;
using namespace aribus::groups;
using namespace aribus::test;
using namespace std::chrono_literals;

namespace {

// What the records say, one after the other.
struct Account {
  struct Of {
    std::string owner;
    uint64_t epoch = 0;
    bool accepted = false;
    bool fell_back = false;
    std::vector<std::pair<uint64_t, std::string>> owners;  // from that seq on
  };
  std::map<std::string, Of> calls;
  uint64_t read = 0;
  std::string mistake;

  [[nodiscard]] size_t load(const std::string& member) const {
    return static_cast<size_t>(
        std::ranges::count_if(calls, [&](const auto& call) { return call.second.owner == member; }));
  }

  void take(const std::vector<Logged>& log, const std::map<std::string, size_t>& capacities) {
    for (; read < log.size(); ++read) {
      const uint64_t seq = read + 1;
      Of& call = calls[log[read].call];
      if (const auto* assigned = std::get_if<record::GroupAssigned>(&log[read].what)) {
        if (!call.owner.empty()) mistake = "two owners of " + assigned->call;
        if (assigned->epoch <= call.epoch && assigned->reason != "held")
          mistake = "an epoch that does not grow";
        if (assigned->epoch < call.epoch) mistake = "an epoch that shrinks";
        if (call.fell_back) mistake = "assigned after the fallback";
        const bool chosen =
            assigned->reason == "new" || assigned->reason == "passed_on" || assigned->reason == "taken_over";
        const auto capacity = capacities.find(assigned->member);
        if (chosen && capacity != capacities.end() && load(assigned->member) >= capacity->second) {
          mistake = assigned->member + " gets more than its capacity";
        }
        call.owner = assigned->member;
        call.epoch = assigned->epoch;
        call.owners.emplace_back(seq, call.owner);
      } else if (const auto* accepted = std::get_if<record::GroupAccepted>(&log[read].what)) {
        if (accepted->member != call.owner || accepted->epoch != call.epoch)
          mistake = "accepted by somebody else";
        if (call.fell_back) mistake = "accepted after the fallback";
        call.accepted = true;
      } else if (const auto* released = std::get_if<record::GroupReleased>(&log[read].what)) {
        if (released->member != call.owner) mistake = "released by somebody else";
        if (released->reason == "fallback" && std::exchange(call.fell_back, true)) mistake = "two fallbacks";
        call.owner.clear();
        call.owners.emplace_back(seq + 1, "");
      } else if (std::holds_alternative<CallLeft>(log[read].what)) {
        call.fell_back = false;
      }
    }
  }
};

std::string shown(const std::string& id, CallState state, const std::string& owner, uint64_t epoch,
                  bool accepted) {
  return id + " state " + std::to_string(static_cast<int>(state)) + " owner '" + owner + "' epoch " +
         std::to_string(epoch) + (accepted ? " was accepted" : "");
}

bool is_as(const Call* call, const Reference::Call& expected) {
  if (call == nullptr) return false;
  const std::string_view owner =
      call->owner == nullptr ? std::string_view() : std::string_view(call->owner->name);
  return call->state == expected.state && owner == expected.owner && call->epoch == expected.epoch &&
         call->was_accepted == expected.was_accepted;
}

std::string difference(const Call* call, const Reference::Call& expected) {
  if (call == nullptr) return expected.id + " is unknown";
  return "is " +
         shown(call->id, call->state, call->owner == nullptr ? "" : call->owner->name, call->epoch,
               call->was_accepted) +
         "\nnot " + shown(expected.id, expected.state, expected.owner, expected.epoch, expected.was_accepted);
}

class History {
 public:
  explicit History(unsigned seed)
      : random_(seed), settings_(any_settings()), stage_({settings_}), reference_(settings_, stage_.bridged) {
    reference_.restart(true, stage_.now);
  }

  void step() {
    switch (any(24)) {
      case 0:
      case 1:
      case 2:
        return join();
      case 3:
      case 4:
      case 5:
      case 6:
        return enter();
      case 7:
      case 8:
        return with("end", [&](const std::string& call) {
          stage_.end(call);
          reference_.end(call, stage_.now);
          live_.erase(call);
        });
      case 9:
        return with("left", [&](const std::string& call) {
          stage_.leave_app(call);
          reference_.leave_app(call, stage_.now);
        });
      case 10:
        return originate();
      case 11:
      case 12:
      case 13:
        return with("accept", [&](const std::string& call) {
          const Connection connection = owner_or_any(call);
          stage_.accept(connection, call);
          reference_.accept(connection, call, stage_.now);
        });
      case 14:
        return with("decline", [&](const std::string& call) {
          const Connection connection = owner_or_any(call);
          stage_.decline(connection, call);
          reference_.decline(connection, call, stage_.now);
        });
      case 15:
        return with("hand over", [&](const std::string& call) {
          const Connection connection = owner_or_any(call);
          const std::string to = any_member();
          stage_.hand_over(connection, call, to);
          reference_.hand_over(connection, call, to, stage_.now);
        });
      case 16:
      case 17:
        return with("command", [&](const std::string& call) {
          const Connection connection = any(4) == 0 ? 99 : owner_or_any(call);
          const Call* known = stage_.call(call);
          std::optional<uint64_t> epoch;
          if (known != nullptr && any(2) == 0) epoch = known->epoch - static_cast<uint64_t>(any(2));
          const bool may = [&] {
            reference_.alive(connection, stage_.now);
            return reference_.may_command(connection, call, epoch);
          }();
          expect(stage_.command(connection, call, epoch) == may, "a command was let through or refused");
          reference_.command(connection, call, epoch, stage_.now);
        });
      case 18: {
        const Connection connection = any_connection();
        note("alive " + std::to_string(connection));
        stage_.alive(connection);
        return reference_.alive(connection, stage_.now);
      }
      case 19:
        return go_away();
      case 20: {
        if (any(6) != 0) return;
        return restart(any(3) != 0);
      }
      case 21:
        return with("bridge", [&](const std::string& call) {
          if (!stage_.bridged.erase(call)) stage_.bridged.insert(call);
        });
      default:
        return pass();
    }
  }

  // Nothing happens any more for a while, and then all is over.
  void finish() {
    stage_.bridged.clear();
    pass_for(1h);
    pass_for(1min);  // after the last chance of some
    check();
    for (const auto& call : reference_.calls()) {
      const bool open = call.state == CallState::waiting || call.state == CallState::offered;
      const bool is_new = open && !call.was_accepted;
      expect(settings_.fallback == Fallback::none || !is_new,
             call.id + " is neither accepted nor fallen back");
    }
    for (const std::string& call : std::set<std::string>(live_)) {
      stage_.end(call);
      reference_.end(call, stage_.now);
    }
    check();
    for (const std::string& call : entered_)
      expect(reference_.outcomes.contains(call), call + " has no outcome");
    for (Connection connection = 1; connection <= connections_; ++connection) stage_.disconnect(connection);
    pass_for(1h);
    expect(stage_.groups->find("ivr")->is_empty(), "something is left of the group");
    expect(!stage_.groups->next(), "something is due after the end");
    stage_.owners.forget_before(stage_.seq() + 2);
    expect(stage_.owners.of("ivr")->empty(), "something is left of the owners");
  }

  void check() {
    account_.take(stage_.log, capacities_);
    expect(account_.mistake.empty(), account_.mistake);
    const Group* group = stage_.groups->find("ivr");
    expect(group->calls().size() == reference_.calls().size(), "number of calls");
    for (const auto& expected : reference_.calls()) {
      const Call* call = group->find(expected.id);
      if (!is_as(call, expected)) fail(difference(call, expected));
      if (account_.calls[expected.id].owner != expected.owner)
        fail(expected.id + ": the records have another owner");
      if (reference_.waits_in_vain(expected)) fail(expected.id + " waits in vain");
    }
    size_t listed = 0;
    for (size_t i = 0; i < std::size(call_states); ++i) {
      const auto state = static_cast<CallState>(i);
      listed += group->calls(state).size();
      for (const Call* call : group->calls(state))
        expect(group->find(call->id) == call && call->state == state, call->id + " is not in its list");
    }
    expect(listed == group->calls().size(), "a call is in no list, or in two");
    const size_t members = stage_.groups->stats(stage_.now).at("ivr").members;
    expect(members == reference_.members().size(), std::to_string(members) + " members");
    for (const auto& member : reference_.members()) {
      if (member.connection == 0) continue;
      expect(stage_.groups->calls_of(member.connection).size() == reference_.load(member.name),
             member.name + " has a wrong number of calls");
    }
    const auto next = stage_.groups->next();
    expect(!next || *next > stage_.now, "something that is due was not done");
    if (any(20) == 0) check_log();
  }

  // What was not as it has to be, and what happened before; "" if all was well.
  [[nodiscard]] std::string mistake() const {
    if (mistake_.empty()) return "";
    std::string text;
    for (const std::string& line : trace_) text += line + "\n";
    return text + mistake_;
  }

 private:
  int any(int below) { return static_cast<int>(random_() % static_cast<unsigned>(below)); }
  void note(const std::string& what) {
    if (!mistake_.empty()) return;
    for (const std::string& news : stage_.news()) trace_.push_back("    " + news);
    trace_.push_back(std::to_string((stage_.now.time_since_epoch().count() - Stage::start_ms)) + " " + what);
  }
  void fail(const std::string& what) {
    if (!mistake_.empty()) return;
    note("then");
    mistake_ = what;
  }
  void expect(bool holds, const std::string& what) {
    if (!holds) fail(what);
  }

  Settings any_settings() {
    Settings settings = ivr();
    if (any(3) == 0) settings.grace.reset();
    if (any(2) == 0) settings.lease = 3s;
    if (any(3) == 0) settings.fallback = Fallback::none;
    if (any(3) == 0 && settings.fallback != Fallback::none) settings.orphan = Orphan::fallback;
    settings.orphan_after = milliseconds(1000 + 1000 * any(10));
    settings.exclusive = any(4) == 0;
    return settings;
  }

  Connection any_connection() { return static_cast<Connection>(1 + any(static_cast<int>(connections_) + 1)); }
  std::string any_member() { return "w" + std::to_string(1 + any(4)); }

  template <typename Do>
  void with(const std::string& what, Do act) {
    if (live_.empty()) return;
    const std::string call = *std::next(live_.begin(), any(static_cast<int>(live_.size())));
    note(what + " " + call);
    act(call);
  }
  Connection owner_or_any(const std::string& call) {
    const Call* known = stage_.call(call);
    if (known == nullptr || known->owner == nullptr || any(8) == 0) return any_connection();
    return known->owner->connection == 0 ? any_connection() : known->owner->connection;
  }

  void join() {
    groups::Join join{.connection = any(5) == 0 ? any_connection() : ++connections_, .group = "ivr"};
    if (join.connection > connections_) join.connection = ++connections_;
    if (any(3) != 0) join.member = any_member();
    join.capacity = any(3) == 0 ? SIZE_MAX : static_cast<size_t>(any(5));
    for (const std::string& call : live_) {
      if (any(4) == 0) join.holds.push_back({call, held_[call] + static_cast<uint64_t>(any(5) == 0)});
    }
    note("join " + std::to_string(join.connection) + " as '" + join.member + "' for " +
         std::to_string(join.capacity));
    if (!join.member.empty()) capacities_[join.member] = join.capacity;
    const auto name = stage_.join(join);
    capacities_[*name] = join.capacity;
    reference_.join(join, stage_.now);
  }

  void enter() {
    const bool again = !live_.empty() && any(6) == 0;
    const std::string call = again ? *std::next(live_.begin(), any(static_cast<int>(live_.size())))
                                   : "c" + std::to_string(++calls_);
    const std::string key = any(3) == 0 ? std::string(1, static_cast<char>('A' + any(3))) : "";
    note("enter " + call + " " + key);
    live_.insert(call);
    entered_.insert(call);
    stage_.enter(call, key);
    reference_.enter(call, key, false, stage_.now);
  }

  void originate() {
    const Connection connection = any_connection();
    const auto member = stage_.groups->member_of(connection);
    if (!member) return;
    const std::string call = "o" + std::to_string(++calls_);
    note("originate " + call + " by " + member->second);
    stage_.groups->originating(connection, "pbx1", call);
    stage_.start_call(call, call);
    // It may be gone meanwhile, as what is due happens first.
    reference_.advance(stage_.now);
    live_.insert(call);
    reference_.originated(call, member->second, stage_.now);
  }

  void go_away() {
    const Connection connection = any_connection();
    if (any(2) == 0) {
      note("disconnect " + std::to_string(connection));
      stage_.disconnect(connection);
      return reference_.disconnect(connection, stage_.now);
    }
    const bool drain = any(2) == 0;
    std::optional<milliseconds> timeout;
    if (any(2) == 0) timeout = milliseconds(any(3000) + 1);
    note("leave " + std::to_string(connection) + (drain ? " draining" : ""));
    stage_.leave(connection, drain, timeout);
    reference_.leave(connection, drain, timeout, stage_.now);
  }

  void restart(bool keeps_log) {
    note(keeps_log ? "restart" : "restart with another log");
    held_.clear();
    for (const auto& call : reference_.calls()) held_[call.id] = call.epoch;
    capacities_.clear();
    stage_.restart(keeps_log);
    reference_.restart(keeps_log, stage_.now);
    if (keeps_log) return;
    account_ = {};
    stage_.groups->expect_holds(stage_.now);
    reference_.expect_holds(stage_.now);
    if (any(2) == 0) join();
    for (const std::string& call : live_) {
      stage_.enter(call, "", true);
      reference_.enter(call, "", true, stage_.now);
    }
  }

  void pass() { pass_for(milliseconds(any(4) == 0 ? any(10'000) : any(800))); }
  void pass_for(milliseconds time) {
    note("pass " + std::to_string(time.count()));
    if (any(5) == 0) {
      stage_.stall(time);
      return reference_.advance(stage_.now);
    }
    // The reference sees the same times, as it says nothing of what is next.
    const WallTime until = stage_.now + time;
    while (stage_.groups->next() && *stage_.groups->next() <= until) {
      stage_.pass(*stage_.groups->next() - stage_.now);
      reference_.advance(stage_.now);
    }
    // Nothing happens before that.
    reference_.advance(until - 1ms);
    stage_.pass(until - stage_.now);
    reference_.advance(stage_.now);
  }

  // The log gives the same state, and the owner at each seq.
  void check_log() {
    const auto read = stage_.read_log();
    const Group* again = read->find("ivr");
    for (const auto& expected : reference_.calls()) {
      if (expected.state == CallState::left || expected.id.starts_with('o')) continue;
      const Call* call = again->find(expected.id);
      if (!is_as(call, expected)) fail("read again: " + difference(call, expected));
      if (call == nullptr) continue;
      if (call->entered != expected.entered) fail("read again: another time of entering of " + expected.id);
      if (call->orphaned != expected.orphaned) fail("read again: another time of the loss of " + expected.id);
    }
    const auto owners = stage_.owners.of("ivr");
    for (const auto& [id, call] : account_.calls) {
      const uint64_t hash = record::id_hash(record::IdKind::call, id);
      size_t next = 0;
      std::string_view owner;
      for (uint64_t seq = 1; seq <= stage_.seq(); ++seq) {
        for (; next < call.owners.size() && call.owners[next].first <= seq; ++next)
          owner = call.owners[next].second;
        if (owners->owner_at(hash, seq) != owner)
          fail("another owner of " + id + " at " + std::to_string(seq));
      }
    }
  }

  std::mt19937 random_;
  Settings settings_;
  Stage stage_;
  Reference reference_;
  Account account_;
  std::set<std::string> live_;
  std::set<std::string> entered_;
  std::map<std::string, size_t> capacities_;
  std::map<std::string, uint64_t> held_;
  Connection connections_ = 0;
  int calls_ = 0;
  std::vector<std::string> trace_;
  std::string mistake_;
};

}  // namespace

TEST_CASE("in random histories each call has one owner, the one that the rules say") {
  for (unsigned seed = 1; seed <= 2000; ++seed) {
    History history(seed);
    for (int step = 0; step < 200 && history.mistake().empty(); ++step) {
      history.step();
      history.check();
    }
    if (history.mistake().empty()) history.finish();
    INFO("seed " << seed << "\n" << history.mistake());
    REQUIRE(history.mistake().empty());
  }
}
