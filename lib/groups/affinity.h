// Which members have calls with a key, and which calls wait for one of them.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "groups/call.h"

namespace aribus::groups {

struct Member;

struct AffinityKey {
  struct Holder {
    Member* member;
    size_t calls;
  };
  std::string text;
  std::vector<Holder> holders;  // the one that has had such calls for the longest time first
  std::set<Call*, ByPriority> waiting;
};

// Of one group. Usually a key has one holder; several, when members passed its calls on.
class Affinity {
 public:
  // nullptr: nobody has such calls.
  [[nodiscard]] const AffinityKey* find(std::string_view key) const;
  // The member owns one more call with the key.
  void add(const std::string& key, Member& member);
  // It owns one less. Returns whom that concerns if it was its last one: the calls that wait because of this
  // key.
  [[nodiscard]] std::vector<Call*> remove(const std::string& key, Member& member);

  // The call waits for a member with its key. Required: there is one.
  void wait(Call& call);
  void wait_no_longer(Call& call);
  // The first call that waits for this member, and that it has not passed on lately; nullptr: there is none.
  [[nodiscard]] static Call* next_for(const Member& member);
  // All that wait for it.
  [[nodiscard]] static std::vector<Call*> waiting_for(const Member& member);

 private:
  using Keys = std::unordered_map<std::string, AffinityKey, TextHash, std::equal_to<>>;
  void erase_if_empty(Keys::iterator key);

  Keys keys_;
};

}  // namespace aribus::groups
