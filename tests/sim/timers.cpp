#include "timers.h"

#include <utility>

namespace aribus::sim {

struct Timers::Timer {
  uv_timer_t raw;
  Timers* owner;
  uint64_t repeat;
  std::function<void()> call;

  void close() {
    call = nullptr;
    uv_close(reinterpret_cast<uv_handle_t*>(&raw),
             [](uv_handle_t* h) { delete static_cast<Timer*>(h->data); });
  }
};

void Timers::after(uint64_t ms, std::function<void()> call) {
  start(ms, 0, std::move(call));
}

void Timers::every(uint64_t ms, std::function<void()> call) {
  start(ms, ms, std::move(call));
}

void Timers::start(uint64_t ms, uint64_t repeat, std::function<void()> call) {
  auto* timer = new Timer{{}, this, repeat, std::move(call)};
  uv_timer_init(loop_, &timer->raw);
  timer->raw.data = timer;
  timers_.insert(timer);
  uv_timer_start(
      &timer->raw,
      [](uv_timer_t* raw) {
        auto* self = static_cast<Timer*>(raw->data);
        auto call = self->call;
        if (self->repeat == 0) {
          self->owner->timers_.erase(self);
          self->close();
        }
        call();
      },
      ms, repeat);
}

void Timers::clear() {
  for (auto* timer : timers_) timer->close();
  timers_.clear();
}

}  // namespace aribus::sim
