// How long the event loop is busy, for monitoring.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/duration_histogram.h"
#include "net/loop.h"

namespace aribus {

// Measures the time spent in each turn of the loop, excluding poll: for so long no descriptor is read.
class TurnMeter {
 public:
  explicit TurnMeter(Loop& loop);
  TurnMeter(const TurnMeter&) = delete;
  TurnMeter& operator=(const TurnMeter&) = delete;

  [[nodiscard]] uint64_t turns() const { return turns_; }
  [[nodiscard]] const DurationHistogram& durations() const { return durations_; }
  // The longest turn of all, and of the last one to two minutes.
  [[nodiscard]] std::chrono::microseconds longest() const { return longest_; }
  [[nodiscard]] std::chrono::microseconds longest_lately() const;

 private:
  void end_turn();

  Loop& loop_;
  detail::HandlePtr<uv_prepare_t> prepare_;
  uint64_t turns_ = 0;
  uint64_t minute_ = 0;
  DurationHistogram durations_;
  std::chrono::microseconds longest_{0};
  std::chrono::microseconds this_minute_{0};
  std::chrono::microseconds minute_before_{0};
};

}  // namespace aribus
