// Work that would hold up the loop.
#pragma once

#include <cstddef>
#include <functional>

#include "net/loop.h"

namespace aribus {

// The longest text that is read as JSON on the loop's thread; a longer one is read in the background.
inline constexpr size_t max_bytes_at_once = 64 << 10;

// Does one piece of work at a time on libuv's threads.
class Background {
 public:
  Background() = default;
  // `done` of what is under way will not be called; the loop's end waits for the work.
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  // Calls `work` on another thread, then `done` on the loop's. Required: is_busy() is false.
  void start(Loop& loop, std::function<void()> work, std::function<void()> done);
  [[nodiscard]] bool is_busy() const { return task_ != nullptr; }

 private:
  struct Task;
  static void finished(uv_work_t* raw, int status);

  Task* task_ = nullptr;
};

}  // namespace aribus
