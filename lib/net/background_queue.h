// Work that would block the loop, one piece after the other.
#pragma once

#include <deque>
#include <functional>
#include <utility>

#include "net/background.h"

namespace aribus {

// Does pieces of work on another thread, in order. Belongs to the loop's thread. When it is destroyed, `done`
// of unfinished work is not called.
class BackgroundQueue {
 public:
  explicit BackgroundQueue(Loop& loop) : loop_(loop) {}

  // `work` runs on another thread, then `done` on the loop's, which must not destroy this object.
  void add(std::function<void()> work, std::function<void()> done);
  [[nodiscard]] bool is_busy() const { return background_.is_busy() || !waiting_.empty(); }

 private:
  void start();

  Loop& loop_;
  std::deque<std::pair<std::function<void()>, std::function<void()>>> waiting_;  // work and done
  Background background_;
};

}  // namespace aribus
