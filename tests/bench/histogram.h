// Durations, counted in classes that are at most 1/64 wide.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace aribus::bench {

inline constexpr uint64_t second_ns = 1'000'000'000;

class Histogram {
 public:
  void add(uint64_t ns) {
    ++counts_[index(ns)];
    ++total_;
    max_ = std::max(max_, ns);
  }
  void add(const Histogram& other) {
    for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
    total_ += other.total_;
    max_ = std::max(max_, other.max_);
  }
  [[nodiscard]] uint64_t total() const { return total_; }
  [[nodiscard]] uint64_t max() const { return max_; }
  // So many nanoseconds, or fewer, took a share `share` of them.
  [[nodiscard]] uint64_t quantile(double share) const {
    const auto wanted = static_cast<uint64_t>(share * static_cast<double>(total_));
    uint64_t seen = 0;
    for (size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen > wanted) return std::min(upper(i), max_);
    }
    return max_;
  }

 private:
  static constexpr int bits = 6;

  static size_t index(uint64_t ns) {
    const int shift = std::max(0, static_cast<int>(std::bit_width(ns)) - bits - 1);
    return (static_cast<size_t>(shift) << bits) + static_cast<size_t>(ns >> shift);
  }
  // The largest value of a class.
  static uint64_t upper(size_t i) {
    if (i < size_t{2} << bits) return i;
    const size_t shift = (i >> bits) - 1;
    return ((i - (shift << bits) + 1) << shift) - 1;
  }

  std::array<uint64_t, (64 - bits + 1) << bits> counts_{};
  uint64_t total_ = 0;
  uint64_t max_ = 0;
};

}  // namespace aribus::bench
