// A histogram of durations.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace aribus {

// Counts durations in buckets.
class DurationHistogram {
 public:
  using Duration = std::chrono::microseconds;

  static constexpr std::array<Duration, 12> bounds{
      Duration(100),     Duration(500),       Duration(1'000),     Duration(5'000),
      Duration(10'000),  Duration(25'000),    Duration(50'000),    Duration(100'000),
      Duration(250'000), Duration(1'000'000), Duration(2'500'000), Duration(10'000'000)};

  void add(Duration duration) {
    size_t i = 0;
    while (i < bounds.size() && duration > bounds[i]) ++i;
    ++counts_[i];
    sum_ += duration;
  }
  // Number of durations above bounds[i - 1] and up to bounds[i]; the last one: above all bounds.
  [[nodiscard]] const std::array<uint64_t, bounds.size() + 1>& counts() const { return counts_; }
  [[nodiscard]] Duration sum() const { return sum_; }

 private:
  std::array<uint64_t, bounds.size() + 1> counts_{};
  Duration sum_{0};
};

}  // namespace aribus
