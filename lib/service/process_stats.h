// What the kernel knows of this process.
#pragma once

#include <cstdint>

namespace aribus::service {

struct ProcessStats {
  uint64_t resident_bytes = 0;
  uint64_t virtual_bytes = 0;
  uint64_t open_descriptors = 0;
  uint64_t max_descriptors = 0;
  double cpu_seconds = 0;  // of user and system

  // As they are now; 0 for what can't be read.
  [[nodiscard]] static ProcessStats now();
  // As they were within the last second: who asks often costs nothing. On the loop's thread alone.
  [[nodiscard]] static const ProcessStats& lately();
};

}  // namespace aribus::service
