// The time, as tests may set it.
#pragma once

#include <chrono>
#include <functional>

#include "base/time.h"

namespace aribus::pbx {

// Timers, and times that are compared with them, use the loop's clock instead (Loop::now()).
struct Clock {
  std::function<WallTime()> wall = wall_now;
  std::function<std::chrono::steady_clock::time_point()> monotonic = std::chrono::steady_clock::now;
};

}  // namespace aribus::pbx
