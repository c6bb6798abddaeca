#include "ari/reconnect.h"

#include <algorithm>

namespace aribus::ari {

Milliseconds Reconnect::longest(Pace pace) const {
  switch (pace) {
    case Pace::soon:
      return std::min(max_soon_delay, options_.max);
    case Pace::normal:
      return options_.max;
    case Pace::slow:
      break;
  }
  return std::max(options_.slow, options_.max);
}

Milliseconds Reconnect::next(Pace pace) {
  span_ = span_.count() == 0 ? options_.first : std::min(span_ * 2, longest(pace));
  const auto half = span_.count() / 2;
  return Milliseconds(
      std::uniform_int_distribution<Milliseconds::rep>(span_.count() - half, span_.count())(random_));
}

void Reconnect::ended(Milliseconds held) {
  if (held >= options_.stable) span_ = Milliseconds(0);
}

}  // namespace aribus::ari
