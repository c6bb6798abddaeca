// What the kernel reports about this process.
#pragma once

#include <cstdint>

namespace aribus::service {

struct ProcessStats {
  uint64_t resident_bytes = 0;
  uint64_t virtual_bytes = 0;
  uint64_t open_descriptors = 0;
  uint64_t max_descriptors = 0;
  double cpu_seconds = 0;  // of user and system

  // The current values; 0 for those that can't be read.
  [[nodiscard]] static ProcessStats now();
  // Values at most one second old, so that frequent requests are cheap. Only on the loop's thread.
  [[nodiscard]] static const ProcessStats& lately();
};

}  // namespace aribus::service
