// Bounds what others can make the log say.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace aribus {

// Of each key some lines are written in a period; of more the number, so that nobody fills the log, or drives
// out of it what matters. Keys should be few: users, not what programs call themselves.
template <typename Key>
class LineLimit {
 public:
  using Time = std::chrono::steady_clock::time_point;

  struct Counted {
    Key key;
    uint64_t lines;
  };

  // At most `lines` of one key in `period`.
  LineLimit(uint64_t lines, std::chrono::seconds period) : lines_(lines), period_(period) {}

  // Another line of that key. Returns whether it is to be written.
  [[nodiscard]] bool admit(const Key& key, Time now) {
    Period& period = periods_[key];
    if (now - period.began >= period_) {
      if (period.lines > lines_) over_.push_back({key, period.lines - lines_});
      period = {now, 0};
    }
    return ++period.lines <= lines_;
  }

  // How many were not written in periods that are over.
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
