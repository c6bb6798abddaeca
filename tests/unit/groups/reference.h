// The rules of one group, written as simply as possible: lists that are searched from one end to the other.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "groups/groups.h"

namespace aribus::test {

// What a Group does, without its indices. Each function first does what is due, then what it says, then gives
// waiting calls to members.
class Reference {
 public:
  struct Member {
    std::string name = {};
    bool named = false;
    groups::Connection connection = 0;
    size_t capacity = 0;
    WallTime last_sign = {};
    unsigned unanswered = 0;
    bool suspended = false;
    bool draining = false;
    std::optional<WallTime> drain_until = {};
    std::optional<WallTime> away_until = {};
    uint64_t last_offer = 0;
  };
  struct Call {
    std::string id = {};
    std::string key = {};
    groups::CallState state = groups::CallState::waiting;
    std::string owner = {};
    uint64_t epoch = 0;
    bool was_accepted = false;
    WallTime entered = {};
    std::optional<WallTime> orphaned = {};
    WallTime assigned = {};  // the latest time
    std::optional<WallTime> not_before = {};
    std::optional<WallTime> held_until = {};
    uint64_t claimed = 0;
    std::map<std::string, WallTime> passes = {};  // by member
    bool affinity_is_over = false;
    bool enters = false;  // it was assigned before its StasisStart
  };

  Reference(groups::Settings settings, const std::set<std::string>& bridged)
      : settings_(std::move(settings)), bridged_(bridged) {}

  void restart(bool keeps_log, WallTime now);
  void expect_holds(WallTime now);
  void join(const groups::Join& join, WallTime now);
  void leave(groups::Connection connection, bool drain, std::optional<std::chrono::milliseconds> timeout,
             WallTime now);
  void disconnect(groups::Connection connection, WallTime now);
  void alive(groups::Connection connection, WallTime now);
  void enter(const std::string& id, const std::string& key, bool recovered, WallTime now);
  void originated(const std::string& id, const std::string& member, WallTime now);
  void leave_app(const std::string& id, WallTime now);
  void end(const std::string& id, WallTime now);
  void accept(groups::Connection connection, const std::string& id, WallTime now);
  void decline(groups::Connection connection, const std::string& id, WallTime now);
  void hand_over(groups::Connection connection, const std::string& id, const std::string& to, WallTime now);
  void command(groups::Connection connection, const std::string& id, std::optional<uint64_t> epoch,
               WallTime now);
  void advance(WallTime now);

  [[nodiscard]] bool may_command(groups::Connection connection, const std::string& id,
                                 std::optional<uint64_t> epoch) const;
  [[nodiscard]] size_t load(const std::string& member) const;
  [[nodiscard]] const Call* find(const std::string& id) const;
  [[nodiscard]] const std::vector<Call>& calls() const { return calls_; }
  [[nodiscard]] const std::vector<Member>& members() const { return members_; }
  // The call could be offered to somebody, and is not.
  [[nodiscard]] bool waits_in_vain(const Call& call) const;

  std::map<std::string, std::string> outcomes;  // of calls: "accepted", "fallback", "ended", "outside"

 private:
  Call* call(const std::string& id);
  Member* member(const std::string& name);
  Member* at(groups::Connection connection);
  Call* owned(groups::Connection connection, const std::string& id);
  void claim(Call& call, Member& member, uint64_t epoch, WallTime now);
  void assign(Call& call, Member& member, groups::CallState state, WallTime now);
  void disown(Call& call);
  void lose(Call& call, WallTime now);
  void pass_on(Call& call, WallTime now);
  void remove(const std::string& name, WallTime now);
  void fall_back(Call& call);
  void try_fallback(Call& call, WallTime now);
  [[nodiscard]] bool takes_calls(const Member& member) const;
  [[nodiscard]] std::optional<WallTime> fallback_due(const Call& call) const;
  // Whom to offer it to; "": nobody.
  [[nodiscard]] std::string choose(const Call& call) const;
  void settle(WallTime now);

  groups::Settings settings_;
  const std::set<std::string>& bridged_;
  std::vector<Member> members_;
  std::vector<Call> calls_;                               // in the order in which they came
  std::map<std::string, std::vector<std::string>> keys_;  // the members that have calls with a key, by key
  std::map<std::string, std::pair<std::string, uint64_t>> claims_;
  WallTime holds_until_;
  uint64_t offers_ = 0;
};

}  // namespace aribus::test
