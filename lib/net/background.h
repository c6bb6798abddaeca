// Work that would block the loop.
#pragma once

#include <cstddef>
#include <functional>

#include "net/loop.h"
#include "net/thread_request.h"

namespace aribus {

// The longest text that is read as JSON on the loop's thread; a longer one is read in the background.
inline constexpr size_t max_bytes_at_once = 64 << 10;

// Does one piece of work at a time on libuv's threads. When it is destroyed, `done` of work under way is not
// called; the loop's end waits for the work.
class Background {
 public:
  // Calls `work` on another thread, then `done` on the loop's. Required: is_busy() is false.
  void start(Loop& loop, std::function<void()> work, std::function<void()> done);
  [[nodiscard]] bool is_busy() const { return request_.is_open(); }

 private:
  struct Task {
    std::function<void()> work;
    std::function<void()> done;
  };
  using Request = detail::ThreadRequest<uv_work_t, Task>;

  Request request_;
};

}  // namespace aribus
