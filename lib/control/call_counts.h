// How many calls of each method were answered, how, and how fast.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
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

class CallCounters {
 public:
  // Counts the answer to a call of `method`; `took` is the time until then, if it is measured.
  void count(const std::string& method, const Result<pbx::ResultText>& answer,
             std::optional<DurationHistogram::Duration> took);

  // By name, of methods that were called.
  [[nodiscard]] const std::map<std::string, CallCounts, std::less<>>& by_method() const { return counts_; }

 private:
  std::map<std::string, CallCounts, std::less<>> counts_;
};

}  // namespace aribus::control
