// Waiting in tests: for what they count, and only where a time is what is tested for a time.
#pragma once

#include <chrono>
#include <exception>
#include <optional>
#include <thread>
#include <utility>

namespace aribus::test {

// Asks again and again until `done` holds. False when it does not within `limit`, which is so long that a
// busy machine does not exceed it: a test that passes does not wait for it.
template <typename Done>
[[nodiscard]] bool soon(Done done, std::chrono::milliseconds limit = std::chrono::seconds(30)) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!done()) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

// What `call` returns, which is called again while it throws, as in soon(). Throws what its last call throws.
template <typename Call>
auto soon_returned(Call call) {
  std::optional<decltype(call())> value;
  const bool returned = soon([&] {
    try {
      value = call();
    } catch (const std::exception&) {
    }
    return value.has_value();
  });
  return returned ? std::move(*value) : call();
}

// Lets `time` pass. Only for tests of a time itself: a process that is stopped, a rate, or nothing that
// happens.
inline void let_pass(std::chrono::milliseconds time) {
  std::this_thread::sleep_for(time);
}

}  // namespace aribus::test
