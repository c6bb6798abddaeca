// How many refusals of one user are told one by one.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <vector>

#include <sys/types.h>

namespace aribus::control {

// Some a second; of more the number is told, so that nobody fills the log, or drives out of it what was done.
class RefusalLimit {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr uint64_t in_a_second = 20;

  struct Counted {
    uid_t user;
    uint64_t refusals;
  };

  // Another refusal. Returns whether it is told by itself.
  [[nodiscard]] bool admit(uid_t user, Time now);
  // What was not told of seconds that are over.
  [[nodiscard]] std::vector<Counted> take_counts(Time now);

 private:
  struct Second {
    Time began;
    uint64_t refusals = 0;
  };
  std::map<uid_t, Second> users_;
  std::vector<Counted> over_;
};

}  // namespace aribus::control
