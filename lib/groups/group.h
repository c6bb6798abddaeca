// One group: its members, its calls, and who owns which.
#pragma once

#include <array>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "base/newest.h"
#include "base/result.h"
#include "base/time.h"
#include "groups/actions.h"
#include "groups/affinity.h"
#include "groups/call.h"
#include "groups/deadlines.h"
#include "groups/member.h"
#include "groups/settings.h"

namespace aribus::groups {

// For so long after a restart members may say what they own.
inline constexpr milliseconds holds_time{2000};

// A call that a program says it owns: what it was told before the daemon was restarted.
struct Held {
  std::string call;
  uint64_t epoch = 0;
};

// A connection that becomes a member.
struct Join {
  Connection connection = 0;
  std::string group;
  std::string member = {};  // "": unnamed
  size_t capacity = SIZE_MAX;
  std::vector<Held> holds = {};
};

// A call that comes to a group.
struct NewCall {
  std::string id;
  std::string server;
  std::string app;
  std::string key = {};  // for affinity, or ""
  WallTime entered;
  bool recovered = false;  // it was found live, and nothing is known of its past
};

// What is counted of a group.
struct Stats {
  size_t members = 0;  // connected or away
  size_t calls = 0;    // that belong to a member
  size_t waiting = 0;  // that belong to nobody
  uint64_t offers = 0;
  uint64_t takeovers = 0;
  uint64_t fallbacks = 0;
  milliseconds oldest_offer{0};  // how long ago the oldest open offer was made; 0: there is none
};

// What all groups share. Groups sets `now` before it calls one.
struct Context {
  struct Seat {
    class Group* group;
    Member* member;
  };
  std::function<bool(std::string_view call)> is_bridged;
  WallTime now;
  WallTime holds_until;   // members may say until then what they own
  bool recalling = true;  // until recalled(): nothing is decided
  std::unordered_map<Connection, Seat> seats;
  std::vector<Action> actions;
};

// Every function changes what it says and marks what that may have an effect on; settle() then gives calls to
// members, in the order of ByPriority. So the same state comes out however many things change at once. Part
// of Groups.
class Group {
 public:
  Group(Settings settings, uint64_t number, Context& context);
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  [[nodiscard]] const Settings& settings() const { return settings_; }
  void change(Settings settings);
  [[nodiscard]] bool is_empty() const { return members_.empty() && calls_.empty(); }
  [[nodiscard]] bool is_configured() const { return configured_; }
  void set_configured(bool configured) { configured_ = configured; }
  // Made by recalled records: nobody has said what its settings are.
  [[nodiscard]] bool is_provisional() const { return settings_.apps.empty(); }
  [[nodiscard]] Stats stats(WallTime now) const;

  // Members: group_members.cpp.
  Member& join(const Join& join);
  void leave(Member& member, bool drain, std::optional<milliseconds> timeout);
  void disconnect(Member& member);
  void see_alive(Member& member);
  [[nodiscard]] Member* find_member(std::string_view name);
  [[nodiscard]] const auto& members() const { return members_; }

  // Calls: group_calls.cpp. Those that are unknown are ignored.
  void enter(const NewCall& call);
  // An own originate of the member with that name.
  void begin_owned(const NewCall& call, const std::string& member);
  void end(const std::string& call);
  void leave_apps(const std::string& call);
  void accept(Call& call);
  void pass_on(Call& call, std::string_view why);
  void hand_over(Call& call, Member& to);
  void take_outside(Call& call);
  // Of the calls of this Asterisk, whatever the pause since the last attempt.
  void retry_fallbacks(std::string_view server);
  // The daemon could not carry out its fallback.
  void try_fallback_later(Call& call);
  [[nodiscard]] const auto& calls() const { return calls_; }
  // Those in a state, the oldest first.
  [[nodiscard]] const std::set<Call*, ByNumber>& calls(CallState state) const {
    return by_state_[static_cast<size_t>(state)];
  }
  [[nodiscard]] Call* find(std::string_view call);
  [[nodiscard]] const Call* find(std::string_view call) const;

  // Time: group_deadlines.cpp.
  [[nodiscard]] std::optional<WallTime> next() const;
  void expire();

  // Gives calls to members: group_settle.cpp. To be called after all others, except while recalling.
  void settle();

  // After a restart: group_recall.cpp. Records of an earlier process; then recalled().
  void recall(const record::GroupAssigned& record, const NewCall& call);
  void recall(const record::GroupAccepted& record, const NewCall& call);
  void recall(const record::GroupReleased& record, const NewCall& call);
  void recalled();

  const uint64_t number;        // never used again
  std::optional<WallTime> due;  // of Deadlines

 private:
  static constexpr size_t max_claims = 10'000;

  Member& add_member(const std::string& name, bool named);
  void remove(Member& member, std::string_view why);
  void lose_calls(Member& member, std::string_view why);
  void suspend(Member& member);
  void free_waiting(Member& member);
  void take_claims(Member& member, std::span<const Held> holds);
  bool take_claim(Call& call, Member& member, uint64_t epoch);

  Call& add_call(const NewCall& call);
  void renew(Call& call, const NewCall& from);
  void complete(Call& call, const NewCall& from);
  void forget(Call& call);
  void set_state(Call& call, CallState state);  // the only way to change it
  void assign(Call& call, Member& member, std::string_view reason, CallState state);
  void own(Call& call, Member& member, CallState state);
  void release(Call& call, std::string_view why);
  void disown(Call& call);
  void lose(Call& call, std::string_view why);
  void note_pass(Call& call, const std::string& member, WallTime until);
  void fall_back(Call& call);

  void place(Call& call);
  [[nodiscard]] Member* choose(const Call& call, bool& waits_for_key);
  [[nodiscard]] Call* next_for(const Member& member) const;
  void unqueue(Call& call);
  void mark(Call& call);
  void mark(Member& member);
  void update_place(Member& member);

  [[nodiscard]] std::optional<WallTime> fallback_due(const Call& call) const;
  [[nodiscard]] std::optional<WallTime> affinity_due(const Call& call) const;
  [[nodiscard]] std::optional<WallTime> due_of(const Call& call) const;
  [[nodiscard]] std::optional<WallTime> due_of(const Member& member) const;
  void expire(Call& call, std::vector<Call*>& last_chance);
  void expire(Member& member);
  void try_fallback(Call& call);
  void run_fallback(Call& call);
  void schedule(Call& call) { call_deadlines_.set(call, due_of(call)); }
  void schedule(Member& member) { member_deadlines_.set(member, due_of(member)); }

  void act(const Call& call, decltype(Action::what) what);

  Settings settings_;
  bool configured_ = false;
  Context& context_;
  std::unordered_map<std::string, std::unique_ptr<Member>, TextHash, std::equal_to<>> members_;  // by name
  std::unordered_map<std::string, std::unique_ptr<Call>, TextHash, std::equal_to<>> calls_;      // by id
  std::array<std::set<Call*, ByNumber>, std::size(call_states)> by_state_;
  // Members that take calls: by their number of calls, then who has waited the longest for an offer, then by
  // name.
  std::set<std::tuple<std::pair<size_t, uint64_t>, std::string_view, Member*>> available_;
  std::set<Call*, ByPriority> queue_;  // calls that wait for anybody
  Affinity affinity_;
  Deadlines<Call> call_deadlines_;
  Deadlines<Member> member_deadlines_;
  std::set<Call*, ByPriority> dirty_calls_;
  std::vector<Member*> dirty_members_;
  WallTime recalled_at_;
  // What members said that they own of calls that are not known yet.
  struct Claim {
    std::string member;
    uint64_t epoch;
  };
  Newest<Claim> claims_{max_claims};
  uint64_t numbers_ = 0;  // of members and calls
  uint64_t offers_ = 0;
  uint64_t takeovers_ = 0;
  uint64_t fallbacks_ = 0;
};

}  // namespace aribus::groups
