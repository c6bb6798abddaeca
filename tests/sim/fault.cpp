#include "fault.h"

#include "text.h"

namespace aribus::sim {

std::optional<Fault> Faults::take(const std::string& method, const std::string& target) {
  for (auto it = faults_.begin(); it != faults_.end(); ++it) {
    if (!matches_glob(it->match, method + " " + target)) continue;
    const auto fault = *it;
    if (it->times > 0 && --it->times == 0) faults_.erase(it);
    return fault;
  }
  return std::nullopt;
}

}  // namespace aribus::sim
