// Waiting for what comes about by itself.
#pragma once

#include <chrono>
#include <thread>

namespace aribus::test {

// Waits until `done` holds, for 5 s at most; whether it does.
template <typename Done>
[[nodiscard]] bool soon(Done done) {
  for (int i = 0; i < 200; ++i) {
    if (done()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(25));
  }
  return false;
}

}  // namespace aribus::test
