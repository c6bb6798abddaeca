#include "control/call_counts.h"

#include <chrono>
#include <utility>

namespace aribus::control {

pbx::Reply CallCounters::counting(const std::string& method, bool is_timed, pbx::Reply reply) {
  using Clock = std::chrono::steady_clock;
  return [&counts = counts_[method], is_timed, began = Clock::now(),
          reply = std::move(reply)](Result<pbx::ResultText> answer) {
    if (is_timed)
      counts.took.add(std::chrono::duration_cast<DurationHistogram::Duration>(Clock::now() - began));
    answer ? ++counts.done : ++counts.failed[answer.error().kind];
    reply(std::move(answer));
  };
}

}  // namespace aribus::control
