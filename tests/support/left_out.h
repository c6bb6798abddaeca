// Tests that can't be run everywhere.
#pragma once

#include <string>

#include <unistd.h>

#include "tests/catch.h"

namespace aribus::test {

// Says that the test, or the rest of it, is left out, and `why`: ctest counts it as skipped (LEFT_OUT in
// tests/CMakeLists.txt), and in CI scripts/run-ctest fails for it. The test returns by itself, as Catch2 2
// has no SKIP.
inline void leave_out(const std::string& why) {
  WARN("left out: " << why);
}

// For `if (needs_root()) return;`: true for all but root, and then the test is left out.
[[nodiscard]] inline bool needs_root() {
  if (::geteuid() == 0) return false;
  leave_out("it needs root");
  return true;
}

}  // namespace aribus::test
