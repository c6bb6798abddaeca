#include "control/refusal_limit.h"

#include <utility>

namespace aribus::control {

bool RefusalLimit::admit(uid_t user, Time now) {
  Second& second = users_[user];
  if (now - second.began >= std::chrono::seconds(1)) {
    if (second.refusals > in_a_second) over_.push_back({user, second.refusals - in_a_second});
    second = {now, 0};
  }
  return ++second.refusals <= in_a_second;
}

std::vector<RefusalLimit::Counted> RefusalLimit::take_counts(Time now) {
  std::erase_if(users_, [&](const auto& entry) {
    const Second& second = entry.second;
    if (now - second.began < std::chrono::seconds(1)) return false;
    if (second.refusals > in_a_second) over_.push_back({entry.first, second.refusals - in_a_second});
    return true;
  });
  return std::exchange(over_, {});
}

}  // namespace aribus::control
