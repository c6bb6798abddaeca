// A call, as one group keeps it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/time.h"

namespace aribus::groups {

struct Member;

enum class CallState : uint8_t {
  waiting,   // for a member
  offered,   // to its owner
  accepted,  // by its owner
  outside,   // a program outside the group has taken it
  fallback,  // the daemon has taken it
  left,      // it lives on, but not in an application of the group
};
inline constexpr std::string_view call_states[] = {"waiting", "offered",  "accepted",
                                                   "outside", "fallback", "left"};
[[nodiscard]] constexpr std::string_view name_of(CallState state) {
  return call_states[static_cast<size_t>(state)];
}

struct Call {
  std::string id;
  std::string server;
  std::string app;      // one of the group that it is in
  std::string key;      // calls with the same one go to the same member; "": none
  uint64_t number = 0;  // in the order in which calls came to the group
  CallState state = CallState::waiting;
  Member* owner = nullptr;    // of an offered or accepted call
  uint64_t epoch = 0;         // of the latest assignment
  std::string previous;       // the member that had it last
  std::string_view reason;    // of the next assignment: GroupAssigned::reasons
  bool was_accepted = false;  // by some member: `orphan` applies, not `fallback_after`
  WallTime entered;           // StasisStart
  std::optional<WallTime>
      orphaned;           // when the owner of an accepted call was lost; until it is accepted again
  WallTime accept_until;  // of an offered call
  std::optional<WallTime> not_before;  // no fallback until then; or, once it has failed, the next attempt
  std::optional<WallTime> held_until;  // after a restart: a member may say that it owns it
  uint64_t claimed = 0;                // the epoch with which one did, lately
  struct Pass {
    std::string member;  // that has declined it, or did not answer
    WallTime until;      // and is not offered it again before
  };
  std::vector<Pass> passes;
  bool waits_for_key = false;     // for a member that has others with its key
  bool affinity_is_over = false;  // it has waited long enough
  bool over = false;              // an earlier process has seen its end
  bool enters = false;            // what an earlier process has seen of its StasisStart is still to come
  bool queued = false;            // it waits for anybody
  bool dirty = false;             // settle() has to look at it
  std::optional<WallTime> due;    // of Deadlines

  [[nodiscard]] bool was_passed_on_by(const std::string& member) const {
    return std::ranges::find(passes, member, &Pass::member) != passes.end();
  }
};

struct ByNumber {
  bool operator()(const Call* a, const Call* b) const { return a->number < b->number; }
};

// Who waits: calls that were accepted before go first, then the oldest.
struct ByPriority {
  bool operator()(const Call* a, const Call* b) const {
    return std::tuple(!a->was_accepted, a->number) < std::tuple(!b->was_accepted, b->number);
  }
};

}  // namespace aribus::groups
