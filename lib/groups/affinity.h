// Which members have calls with a key.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/hash.h"

namespace aribus::groups {

struct Member;

// Of one group. Usually a key has one member; several, when members passed its calls on.
class Affinity {
 public:
  struct Holder {
    Member* member;
    size_t calls;
  };

  void add(const std::string& key, Member* member) {
    std::vector<Holder>& holders = keys_[key];
    const auto at = find(holders, member);
    at == holders.end() ? holders.push_back({member, 1}) : void(++at->calls);
  }
  // Returns whether that was the member's last call with the key. Required: add() was called for it.
  bool remove(const std::string& key, Member* member) {
    const auto entry = keys_.find(key);
    const auto at = find(entry->second, member);
    if (--at->calls > 0) return false;
    entry->second.erase(at);
    if (entry->second.empty()) keys_.erase(entry);
    return true;
  }
  // The one that has had such calls for the longest time comes first.
  [[nodiscard]] const std::vector<Holder>& holders(std::string_view key) const {
    static const std::vector<Holder> none;
    const auto entry = keys_.find(key);
    return entry == keys_.end() ? none : entry->second;
  }
  [[nodiscard]] bool empty() const { return keys_.empty(); }

 private:
  static std::vector<Holder>::iterator find(std::vector<Holder>& holders, const Member* member) {
    return std::ranges::find(holders, member, &Holder::member);
  }

  std::unordered_map<std::string, std::vector<Holder>, TextHash, std::equal_to<>> keys_;
};

}  // namespace aribus::groups
