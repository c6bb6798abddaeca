#include "net/loop.h"

#include <utility>

namespace aribus {

using detail::fire;
using detail::make_handle;

namespace {

constexpr uint64_t late_ms = 100;

// libuv stops watching after an error (the peer is gone). The callback's read or write finds the error, but
// when data came before the error, not the first one: so watching starts again.
template <int events>
void on_poll(uv_poll_t* raw, int status, int seen) {
  if (status < 0) uv_poll_start(raw, events, &on_poll<events>);
  fire(raw, status < 0 ? UV_READABLE | UV_WRITABLE : seen);
}

}  // namespace

Loop::Loop() {
  detail::require(uv_loop_init(&loop_), "uv_loop_init");
}

Loop::~Loop() {
  // Handles that are still open belong to libraries that close asynchronously; requests, to libuv's threads.
  for (int turns = 0; uv_loop_close(&loop_) == UV_EBUSY && turns < 1000; ++turns)
    uv_run(&loop_, is_working() ? UV_RUN_ONCE : UV_RUN_NOWAIT);
  for (const auto& call : at_end_) call();
}

void Loop::run() {
  uv_run(&loop_, UV_RUN_DEFAULT);
}
void Loop::stop() {
  uv_stop(&loop_);
}

Timer::Timer(Loop& loop)
    : handle_(make_handle<uv_timer_t>("timer",
                                      [&](uv_timer_t* raw) { return uv_timer_init(loop.raw(), raw); })) {}

void Timer::start(Milliseconds delay, Milliseconds repeat, std::function<void()> call) {
  handle_->call = [this, repeat, call = std::move(call)](int) {
    if (must_wait()) return arm(Milliseconds(1));
    if (repeat.count() > 0) arm(repeat);
    call();
  };
  postponed_ = false;
  // libuv counts delays from the start of the turn; a long turn must not shorten this one.
  uv_update_time(handle_->raw.loop);
  arm(delay);
}

void Timer::arm(Milliseconds delay) {
  due_ = uv_now(handle_->raw.loop) + static_cast<uint64_t>(delay.count());
  uv_timer_start(
      &handle_->raw, [](uv_timer_t* raw) { fire(raw, 0); }, static_cast<uint64_t>(delay.count()), 0);
}

// libuv runs timers before it polls descriptors: a late timer lets one turn pass.
bool Timer::must_wait() {
  postponed_ = !postponed_ && uv_now(handle_->raw.loop) > due_ + late_ms;
  return postponed_;
}

void Timer::once(Milliseconds delay, std::function<void()> call) {
  start(delay, Milliseconds(0), std::move(call));
}
void Timer::every(Milliseconds interval, std::function<void()> call) {
  start(interval, interval, std::move(call));
}
void Timer::stop() {
  uv_timer_stop(&handle_->raw);
}
bool Timer::active() const {
  return uv_is_active(reinterpret_cast<const uv_handle_t*>(&handle_->raw)) != 0;
}

Poll::Poll(Loop& loop, int fd)
    : handle_(make_handle<uv_poll_t>("poll",
                                     [&](uv_poll_t* raw) { return uv_poll_init(loop.raw(), raw, fd); })) {}

void Poll::watch(int events, std::function<void(int)> call) {
  handle_->call = std::move(call);
  watch(events);
}

void Poll::watch(int events) {
  if (events == watched_) return;
  watched_ = events;
  if (events == 0) {
    uv_poll_stop(&handle_->raw);
    return;
  }
  constexpr int both = UV_READABLE | UV_WRITABLE;
  uv_poll_start(&handle_->raw, events,
                events == both          ? &on_poll<both>
                : events == UV_WRITABLE ? &on_poll<UV_WRITABLE>
                                        : &on_poll<UV_READABLE>);
}

Signal::Signal(Loop& loop, int number, std::function<void()> call)
    : handle_(make_handle<uv_signal_t>("signal",
                                       [&](uv_signal_t* raw) { return uv_signal_init(loop.raw(), raw); })) {
  handle_->call = [call = std::move(call)](int) { call(); };
  uv_signal_start(
      &handle_->raw, [](uv_signal_t* raw, int) { fire(raw, 0); }, number);
}

EndOfTurn::EndOfTurn(Loop& loop, std::function<void()> call)
    : check_(
          make_handle<uv_check_t>("check", [&](uv_check_t* raw) { return uv_check_init(loop.raw(), raw); })),
      idle_(make_handle<uv_idle_t>("idle", [&](uv_idle_t* raw) { return uv_idle_init(loop.raw(), raw); })) {
  check_->call = [this, call = std::move(call)](int) {
    if (!requested_) return;
    requested_ = false;
    uv_idle_stop(&idle_->raw);
    uv_check_stop(&check_->raw);
    call();
  };
}

void EndOfTurn::request() {
  if (requested_) return;
  requested_ = true;
  uv_idle_start(&idle_->raw, [](uv_idle_t*) {});
  uv_check_start(&check_->raw, [](uv_check_t* raw) { fire(raw, 0); });
}

}  // namespace aribus
