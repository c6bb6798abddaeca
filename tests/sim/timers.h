// Things to be done later, on the loop.
#pragma once

#include <functional>
#include <set>

#include <uv.h>

namespace aribus::sim {

// Owns its timers. Belongs to the loop's thread; must be cleared before the loop is closed.
class Timers {
 public:
  explicit Timers(uv_loop_t* loop) : loop_(loop) {}
  ~Timers() { clear(); }
  Timers(const Timers&) = delete;
  Timers& operator=(const Timers&) = delete;

  // Calls `call` once after `ms` milliseconds. What it refers to must be looked up anew when it is called.
  void after(uint64_t ms, std::function<void()> call);
  // Calls `call` every `ms` milliseconds.
  void every(uint64_t ms, std::function<void()> call);
  // Forgets all of them.
  void clear();

 private:
  struct Timer;
  void start(uint64_t ms, uint64_t repeat, std::function<void()> call);

  uv_loop_t* loop_;
  std::set<Timer*> timers_;
};

}  // namespace aribus::sim
