#include "state/objects.h"

namespace aribus::state {

std::string_view Object::bridge(uint64_t number) const {
  for (size_t i = seats.size(); i-- > 0;) {
    if (number < seats[i]->ended) return seats[i]->bridge;
  }
  return {};
}

}  // namespace aribus::state
