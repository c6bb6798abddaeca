// How many calls of each method were answered, how, and how fast.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/duration_histogram.h"
#include "base/result.h"
#include "pbx/server.h"

namespace aribus::control {

// Calls of one method.
struct CallCounts {
  uint64_t done = 0;
  std::map<ErrorKind, uint64_t> failed;
  DurationHistogram took;  // until the answer, of calls without `wait`
};

// Owned by the dispatcher; must outlive the replies that it counts.
class CallCounters {
 public:
  // The reply that counts the answer to a call of `method` and passes it on to `reply`. The time runs from
  // now; it is measured if `is_timed`.
  [[nodiscard]] pbx::Reply counting(const std::string& method, bool is_timed, pbx::Reply reply);

  // By name, of methods that were called.
  [[nodiscard]] const std::map<std::string, CallCounts, std::less<>>& by_method() const { return counts_; }

 private:
  std::map<std::string, CallCounts, std::less<>> counts_;
};

}  // namespace aribus::control
