// A member of a group, as the group keeps it.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/time.h"
#include "groups/actions.h"
#include "groups/call.h"

namespace aribus::groups {

struct AffinityKey;

struct Member {
  std::string name;           // unique in its group
  bool named = false;         // by its program
  uint64_t number = 0;        // never used again
  Connection connection = 0;  // 0: it is away, and may come back until `away_until`
  size_t capacity = 0;
  std::set<Call*, ByNumber> calls;  // that it owns
  std::set<AffinityKey*> awaited;   // keys of calls that it owns and that others wait with
  WallTime last_sign;               // of life
  unsigned unanswered = 0;          // offers one after the other, without a request between them
  bool suspended = false;           // gets no offers until it sends a request
  bool draining = false;            // gets no offers
  std::optional<WallTime> drain_until;
  std::optional<WallTime> away_until;
  uint64_t last_offer = 0;                           // the number of the group's offer
  std::optional<std::pair<size_t, uint64_t>> place;  // among those who take calls: see Group
  bool dirty = false;                                // settle() has to look at it
  std::optional<WallTime> due;                       // of Deadlines

  [[nodiscard]] bool is_full() const { return calls.size() >= capacity; }
  [[nodiscard]] bool may_be_offered_calls() const { return !suspended && !draining; }
  [[nodiscard]] bool takes_calls() const { return connection != 0 && may_be_offered_calls() && !is_full(); }
};

}  // namespace aribus::groups
