// How long a thread waits before it connects again.
#pragma once

#include <chrono>

namespace aribus::nats {

// Twice as long after each attempt that fails.
inline constexpr std::chrono::milliseconds first_pause{100}, longest_pause{2000};

}  // namespace aribus::nats
