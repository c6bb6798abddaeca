// Wrong passwords, by the address that they come from.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "net/loop.h"

namespace aribus {

// Slows down guessing: each wrong password from an address lengthens the pause before the answer. It has no
// clock of its own.
//
// On loopback all programs share one address: there the pause delays answers to wrong passwords only. From
// other addresses, passwords that come within the pause are refused unread.
class Guesses {
 public:
  static constexpr unsigned free_guesses = 3;  // answered at once: somebody may be configuring the peer
  static constexpr Milliseconds first_pause{100};
  static constexpr Milliseconds max_pause{5000};
  static constexpr Milliseconds forget_after{600'000};
  static constexpr size_t max_addresses =
      1024;  // remembered: the one that was wrong longest ago is forgotten

  // Whether to check a password from `address`, which is numeric.
  [[nodiscard]] bool may_try(const std::string& address, Milliseconds now) const;
  // Counts a wrong one. Returns how long to delay its answer.
  Milliseconds wrong(const std::string& address, Milliseconds now);

  // Number of passwords that were wrong or not checked.
  void not_looked_at() { ++total_; }
  [[nodiscard]] uint64_t total() const { return total_; }
  [[nodiscard]] size_t addresses() const { return by_address_.size(); }

 private:
  struct Source {
    unsigned wrong = 0;
    Milliseconds last{0};
    Milliseconds pause{0};
  };

  void make_room();

  std::map<std::string, Source> by_address_;
  uint64_t total_ = 0;
};

}  // namespace aribus
