// Delays between attempts to connect.
#pragma once

#include <chrono>
#include <random>

#include "net/loop.h"

namespace aribus::ari {

// Why an attempt failed, as far as it decides how long to wait at most before the next one.
enum class FailureCause {
  no_connection,  // refused by the machine, timed out, lost
  starting,       // 503: it passes in a moment
  odd_answer,     // another status, as of a proxy in between
  login,          // user, password or rights: 401, 403
  address,        // it is no Asterisk, it has no ARI, it redirects elsewhere
  apps,           // the names of the applications are refused
  tls,            // no certificate or protocol that both accept
};

// The delays between attempts to connect.
struct ReconnectOptions {
  Milliseconds first{100};     // before the second attempt
  Milliseconds max{5000};      // doubling stops here
  Milliseconds stable{60000};  // a connection of this age resets the doubling
  Milliseconds slow{30000};    // doubling stops here when a person has to fix something; at least `max`
  bool operator==(const ReconnectOptions&) const = default;
};

inline constexpr Milliseconds max_starting_delay{1000};  // or `max`, when that is less

// Exponential back-off with jitter, without end: each delay is drawn from the upper half of a span that
// doubles from `first` to the limit for the cause, so that many clients of one Asterisk do not reconnect at
// the same time.
class Reconnect {
 public:
  explicit Reconnect(ReconnectOptions options, unsigned seed = std::random_device{}())
      : options_(options), random_(seed) {}

  // Changes the delays.
  void change(ReconnectOptions options) { options_ = options; }
  // The delay before the next attempt, after one that failed because of `cause`.
  [[nodiscard]] Milliseconds next(FailureCause cause = FailureCause::no_connection);
  // A connection of the age `held` has ended.
  void ended(Milliseconds held);

 private:
  [[nodiscard]] Milliseconds longest(FailureCause cause) const;

  ReconnectOptions options_;
  std::minstd_rand random_;
  Milliseconds span_{0};
};

}  // namespace aribus::ari
