// Deferred destruction: objects that are done with, while one of their own callbacks may still be running.
#pragma once

#include <concepts>
#include <memory>
#include <utility>
#include <vector>

#include "base/loop.h"

namespace aribus {

// silence() cuts every way by which the loop reaches the object: it stops its polls and timers, cancels its
// requests and drops its handlers. Nothing but the destructor is called after it from outside; what runs at
// the moment may end.
template <typename T>
concept Silenceable = requires(T& object) {
  { object.silence() }
  noexcept->std::same_as<void>;
};

// Takes objects out of use: they are silent at once, and destroyed at the end of the turn, when none of their
// functions is on the stack. Lives on the loop's thread, in the owner of the objects. What it still holds
// when it ends is destroyed with it.
template <typename T>
class Retired {
 public:
  explicit Retired(Loop& loop) : sweep_(loop, [this] { std::exchange(objects_, {}).clear(); }) {}

  // Null is allowed.
  void add(std::unique_ptr<T> object) {
    static_assert(Silenceable<T>);  // here, as T may be incomplete where its owner is declared
    if (!object) return;
    object->silence();
    objects_.push_back(std::move(object));
    sweep_.request();
  }
  // Objects that wait for their end.
  [[nodiscard]] size_t size() const { return objects_.size(); }

 private:
  std::vector<std::unique_ptr<T>> objects_;
  EndOfTurn sweep_;
};

}  // namespace aribus
