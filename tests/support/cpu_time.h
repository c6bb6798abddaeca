// What something costs, whatever else runs on the machine.
#pragma once

#include <chrono>
#include <ctime>

namespace aribus::test {

// The processor's time that this process has used so far.
inline std::chrono::nanoseconds cpu_time() {
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

}  // namespace aribus::test
