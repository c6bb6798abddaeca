// When to try again.
#pragma once

#include <chrono>
#include <random>

#include "net/loop.h"

namespace aribus::ari {

// How long the wait between attempts may become, by what the last one failed of.
enum class Pace {
  soon,    // it passes in a moment by itself: Asterisk is starting
  normal,  // it may pass by itself
  slow,    // a person must mend it
};

// How long to wait between attempts to connect.
struct ReconnectOptions {
  Milliseconds first{100};     // before the second attempt
  Milliseconds max{5000};      // doubling stops here
  Milliseconds stable{60000};  // a connection that held this long starts the doubling afresh
  Milliseconds slow{30000};    // doubling stops here where a person must mend something; `max` at least
  bool operator==(const ReconnectOptions&) const = default;
};

inline constexpr Milliseconds max_soon_delay{1000};  // or `max`, when that is less

// Exponential back-off with jitter, for ever: each delay is drawn from the upper half of a span that doubles
// from `first` to the bound of the pace, so
// that many clients of one Asterisk do not come back at once.
class Reconnect {
 public:
  explicit Reconnect(ReconnectOptions options, unsigned seed = std::random_device{}())
      : options_(options), random_(seed) {}

  // Other delays from now on.
  void change(ReconnectOptions options) { options_ = options; }
  // The delay before the next attempt.
  [[nodiscard]] Milliseconds next(Pace pace = Pace::normal);
  // A connection ended that had held for `held`.
  void ended(Milliseconds held);

 private:
  [[nodiscard]] Milliseconds longest(Pace pace) const;

  ReconnectOptions options_;
  std::minstd_rand random_;
  Milliseconds span_{0};
};

}  // namespace aribus::ari
