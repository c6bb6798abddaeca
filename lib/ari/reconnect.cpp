#include "ari/reconnect.h"

#include <algorithm>

namespace aribus::ari {

Milliseconds Reconnect::next() {
  span_ = span_.count() == 0 ? options_.first : std::min(span_ * 2, options_.max);
  const auto half = span_.count() / 2;
  return Milliseconds(
      std::uniform_int_distribution<Milliseconds::rep>(span_.count() - half, span_.count())(random_));
}

void Reconnect::ended(Milliseconds held) {
  if (held >= options_.stable) span_ = Milliseconds(0);
}

}  // namespace aribus::ari
