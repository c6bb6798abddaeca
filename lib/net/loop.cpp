#include "net/loop.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

namespace aribus {
namespace {

constexpr uint64_t late_ms = 100;

void require(int status, const char* what) {
  if (status != 0) throw std::runtime_error(std::string(what) + ": " + uv_strerror(status));
}

// Makes a handle with `init(Raw*)`. Until that has succeeded, libuv does not know it and must not close it.
template <typename Raw, typename Init>
detail::HandlePtr<Raw> make_handle(const char* what, Init init) {
  auto handle = std::make_unique<detail::Handle<Raw>>();
  require(init(&handle->raw), what);
  handle->raw.data = handle.get();
  return detail::HandlePtr<Raw>(handle.release());
}

// Calls a handle's function through a copy, so that it may destroy the handle's owner.
template <typename Raw>
void fire(Raw* raw, int value) {
  const auto call = detail::Handle<Raw>::from(raw)->call;
  if (call) call(value);
}

// libuv watches no more after an error (the peer is gone). The read or write that the callback does finds it,
// though not the first one, when something came before it: it is watched again.
template <int events>
void on_poll(uv_poll_t* raw, int status, int seen) {
  if (status < 0) uv_poll_start(raw, events, &on_poll<events>);
  fire(raw, status < 0 ? UV_READABLE | UV_WRITABLE : seen);
}

}  // namespace

Loop::Loop() {
  require(uv_loop_init(&loop_), "uv_loop_init");
}

Loop::~Loop() {
  // What is still open belongs to libraries that close asynchronously, or to threads that will come back to
  // the loop.
  for (int turns = 0; uv_loop_close(&loop_) == UV_EBUSY && turns < 1000; ++turns)
    uv_run(&loop_, loop_.active_reqs.count > 0 ? UV_RUN_ONCE : UV_RUN_NOWAIT);
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
  // libuv counts from the start of the turn; a long turn must not shorten the delay.
  uv_update_time(handle_->raw.loop);
  arm(delay);
}

void Timer::arm(Milliseconds delay) {
  due_ = uv_now(handle_->raw.loop) + static_cast<uint64_t>(delay.count());
  uv_timer_start(
      &handle_->raw, [](uv_timer_t* raw) { fire(raw, 0); }, static_cast<uint64_t>(delay.count()), 0);
}

// libuv runs timers before it looks at descriptors: one that is late lets a turn pass.
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

TurnMeter::TurnMeter(Loop& loop)
    : loop_(loop), prepare_(make_handle<uv_prepare_t>("prepare", [&](uv_prepare_t* raw) {
        return uv_prepare_init(loop.raw(), raw);
      })) {
  uv_loop_configure(loop.raw(), UV_METRICS_IDLE_TIME);
  prepare_->call = [this](int) { end_turn(); };
  uv_prepare_start(&prepare_->raw, [](uv_prepare_t* raw) { fire(raw, 0); });
  uv_unref(reinterpret_cast<uv_handle_t*>(&prepare_->raw));
}

void TurnMeter::end_turn() {
  constexpr uint64_t minute_ns = 60'000'000'000;
  const uint64_t now = uv_hrtime();
  const uint64_t idle = uv_metrics_idle_time(loop_.raw());
  const uint64_t before = std::exchange(at_ns_, now);
  const uint64_t idle_before = std::exchange(idle_ns_, idle);
  if (turns_++ == 0) return;
  const std::chrono::microseconds busy((now - before - (idle - idle_before)) / 1000);
  if (const uint64_t minute = now / minute_ns; minute != minute_) {
    minute_before_ = minute == minute_ + 1 ? this_minute_ : std::chrono::microseconds(0);
    this_minute_ = std::chrono::microseconds(0);
    minute_ = minute;
  }
  this_minute_ = std::max(this_minute_, busy);
  longest_ = std::max(longest_, busy);
  durations_.add(busy);
}

std::chrono::microseconds TurnMeter::longest_lately() const {
  return std::max(this_minute_, minute_before_);
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
