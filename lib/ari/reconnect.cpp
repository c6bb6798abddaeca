#include "ari/reconnect.h"

#include <algorithm>

namespace aribus::ari {

// The longest delay by the cause of the last failure.
Milliseconds Reconnect::longest(FailureCause cause) const {
  switch (cause) {
    case FailureCause::starting:
      return std::min(max_starting_delay, options_.max);
    case FailureCause::no_connection:
    case FailureCause::odd_answer:
      return options_.max;
    case FailureCause::login:
    case FailureCause::address:
    case FailureCause::apps:
    case FailureCause::tls:
      break;  // a person has to fix it
  }
  return std::max(options_.slow, options_.max);
}

Milliseconds Reconnect::next(FailureCause cause) {
  span_ = span_.count() == 0 ? options_.first : std::min(span_ * 2, longest(cause));
  const auto half = span_.count() / 2;
  return Milliseconds(
      std::uniform_int_distribution<Milliseconds::rep>(span_.count() - half, span_.count())(random_));
}

void Reconnect::ended(Milliseconds held) {
  if (held >= options_.stable) span_ = Milliseconds(0);
}

}  // namespace aribus::ari
