// Delays between attempts to connect.
#pragma once

#include <chrono>
#include <random>

#include "net/loop.h"

namespace aribus::ari {

// The cap of the delay, by the cause of the last failure.
enum class Pace {
  soon,    // it passes in a moment: Asterisk is starting
  normal,  // it may pass by itself
  slow,    // a person has to fix it
};

// The delays between attempts to connect.
struct ReconnectOptions {
  Milliseconds first{100};     // before the second attempt
  Milliseconds max{5000};      // doubling stops here
  Milliseconds stable{60000};  // a connection of this age resets the doubling
  Milliseconds slow{30000};    // doubling stops here when a person has to fix something; at least `max`
  bool operator==(const ReconnectOptions&) const = default;
};

inline constexpr Milliseconds max_soon_delay{1000};  // or `max`, when that is less

// Exponential back-off with jitter, without end: each delay is drawn from the upper half of a span that
// doubles from `first` to the cap of the pace, so that many clients of one Asterisk do not reconnect at the
// same time.
class Reconnect {
 public:
  explicit Reconnect(ReconnectOptions options, unsigned seed = std::random_device{}())
      : options_(options), random_(seed) {}

  // Changes the delays.
  void change(ReconnectOptions options) { options_ = options; }
  // The delay before the next attempt.
  [[nodiscard]] Milliseconds next(Pace pace = Pace::normal);
  // A connection of the age `held` has ended.
  void ended(Milliseconds held);

 private:
  [[nodiscard]] Milliseconds longest(Pace pace) const;

  ReconnectOptions options_;
  std::minstd_rand random_;
  Milliseconds span_{0};
};

}  // namespace aribus::ari
