// Which commands of one connection may start, and which must wait for an earlier one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/hash.h"

namespace aribus::session {

// Tickets with keys: those that share a key start one after the other in their order, others concurrently.
// The cost of a ticket grows with the number of its keys, not with the number of tickets.
class CommandOrder {
 public:
  // Adds `ticket`, a number not used before. Returns whether it may start at once.
  [[nodiscard]] bool enter(uint64_t ticket, std::vector<std::string> keys);
  // Ends a started `ticket`. Returns the tickets that may start now; none when it was ended before.
  [[nodiscard]] std::vector<uint64_t> leave(uint64_t ticket);

 private:
  struct Entry {
    std::vector<std::string> keys;  // without duplicates
    size_t behind = 0;              // keys with an earlier ticket
  };

  std::unordered_map<uint64_t, Entry> entries_;
  std::unordered_map<std::string, std::deque<uint64_t>, TextHash, std::equal_to<>>
      queues_;  // by key; the first one has started
};

}  // namespace aribus::session
