// A limit on log lines that others can cause.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace aribus {

// Admits some lines per key and period and counts the others, so that nobody can fill the log and push other
// entries out of it. Keys should be few: users, not names that programs choose.
template <typename Key>
class LineLimit {
 public:
  using Time = std::chrono::steady_clock::time_point;

  struct Counted {
    Key key;
    uint64_t lines;
  };

  // At most `lines` per key in one `period`.
  LineLimit(uint64_t lines, std::chrono::seconds period) : lines_(lines), period_(period) {}

  // Counts another line of a key. Returns whether to write it.
  [[nodiscard]] bool admit(const Key& key, Time now) {
    Period& period = periods_[key];
    if (now - period.began >= period_) {
      if (period.lines > lines_) over_.push_back({key, period.lines - lines_});
      period = {now, 0};
    }
    return ++period.lines <= lines_;
  }

  // Number of lines left out in past periods.
  [[nodiscard]] std::vector<Counted> take_counts(Time now) {
    std::erase_if(periods_, [&](const auto& entry) {
      const Period& period = entry.second;
      if (now - period.began < period_) return false;
      if (period.lines > lines_) over_.push_back({entry.first, period.lines - lines_});
      return true;
    });
    return std::exchange(over_, {});
  }

 private:
  struct Period {
    Time began = {};
    uint64_t lines = 0;
  };

  uint64_t lines_;
  std::chrono::seconds period_;
  std::map<Key, Period> periods_;
  std::vector<Counted> over_;
};

}  // namespace aribus
