#include "control/call_counts.h"

namespace aribus::control {

void CallCounters::count(const std::string& method, const Result<pbx::ResultText>& answer,
                         std::optional<DurationHistogram::Duration> took) {
  CallCounts& counts = counts_[method];
  if (took) counts.took.add(*took);
  answer ? ++counts.done : ++counts.failed[answer.error().kind];
}

}  // namespace aribus::control
