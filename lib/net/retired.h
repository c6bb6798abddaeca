// Deferred destruction of objects while one of their own callbacks may still be running.
#pragma once

#include <concepts>
#include <cstdint>
#include <deque>
#include <memory>
#include <utility>

#include "net/loop.h"

namespace aribus {

// silence() stops all callbacks of the loop to the object: its polls, timers, requests and handlers. After
// it, only the destructor is called from outside; a function that is running may finish.
template <typename T>
concept Silenceable = requires(T& object) {
  { object.silence() }
  noexcept->std::same_as<void>;
};

// Takes objects out of use: they are silenced at once and destroyed at the end of the turn, when none of
// their functions is on the stack; of many objects, some at the end of a later turn. Belongs to the loop's
// thread and to the owner of the objects; its destructor destroys those that it still holds.
template <typename T>
class Retired {
 public:
  explicit Retired(Loop& loop) : sweep_(loop, [this] { sweep(); }) {}

  // Null is allowed.
  void add(std::unique_ptr<T> object) {
    static_assert(Silenceable<T>);  // here, as T may be incomplete where its owner is declared
    if (!object) return;
    object->silence();
    objects_.push_back(std::move(object));
    sweep_.request();
  }
  // Number of objects that wait for destruction.
  [[nodiscard]] size_t size() const { return objects_.size(); }

 private:
  static constexpr uint64_t turn_limit_ns = 1'000'000;

  void sweep() {
    const uint64_t until = uv_hrtime() + turn_limit_ns;
    do {
      const auto object = std::move(objects_.front());  // its end may retire another one
      objects_.pop_front();
    } while (!objects_.empty() && uv_hrtime() < until);
    if (!objects_.empty()) sweep_.request();
  }

  std::deque<std::unique_ptr<T>> objects_;
  EndOfTurn sweep_;
};

}  // namespace aribus
