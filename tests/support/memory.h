// Whether what a program takes in memory says something.
#pragma once

namespace aribus::test {

// A sanitizer's own memory drowns the program's.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool memory_is_measurable = false;
#else
inline constexpr bool memory_is_measurable = true;
#endif

}  // namespace aribus::test
