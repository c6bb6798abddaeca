// Wrong passwords, by the address they come from.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "net/loop.h"

namespace aribus {

// Makes guessing slow: each wrong password from an address lengthens the pause before the answer to it. Pure:
// the caller has the clock.
//
// On loopback everybody has one address, Asterisk too: there the pause holds back answers, never a right
// password. Elsewhere what comes within the pause is not looked at.
class Guesses {
 public:
  static constexpr unsigned free_guesses = 3;  // answered at once: somebody is configuring Asterisk
  static constexpr Milliseconds first_pause{100};
  static constexpr Milliseconds max_pause{5000};
  static constexpr Milliseconds forget_after{600'000};
  static constexpr size_t max_addresses =
      1024;  // remembered: the one that was wrong longest ago is forgotten

  // Whether a password from `address`, numeric, is looked at.
  [[nodiscard]] bool may_try(const std::string& address, Milliseconds now) const;
  // It was wrong. Returns how long its answer waits.
  Milliseconds wrong(const std::string& address, Milliseconds now);

  // Wrong passwords, and those that were not looked at.
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
