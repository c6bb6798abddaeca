// Which of one connection's commands may go, and which must wait for an earlier one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"

namespace aribus::session {

// Tickets with keys: those that share a key go in the order in which they came, others side by side. The work
// for a ticket grows with the number of its keys, whatever waits.
class CommandOrder {
 public:
  // Adds `ticket`, a number not used before. Returns whether it may go at once.
  [[nodiscard]] bool enter(uint64_t ticket, std::vector<std::string> keys);
  // `ticket`, which had gone, is done. Returns the tickets that may go now; none when it had left before.
  [[nodiscard]] std::vector<uint64_t> leave(uint64_t ticket);

 private:
  struct Entry {
    std::vector<std::string> keys;  // without duplicates
    size_t behind = 0;              // keys for which an earlier ticket is there
  };

  std::unordered_map<uint64_t, Entry> entries_;
  std::unordered_map<std::string, std::deque<uint64_t>, TextHash, std::equal_to<>>
      queues_;  // by key, the first one has gone
};

}  // namespace aribus::session
