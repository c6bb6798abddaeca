#include "net/loop.h"

#include <algorithm>
#include <utility>

#include "net/sliced_work.h"

namespace aribus {

using detail::fire;
using detail::make_handle;

void detail::begin_turn(uv_loop_t* loop) {
  Loop& self = *static_cast<Loop*>(loop->data);
  if (self.turn_began_ns_ == 0) self.turn_began_ns_ = uv_hrtime();
}

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
  loop_.data = this;
  uv_idle_init(&loop_, &idle_);
  uv_check_init(&loop_, &check_);
  uv_check_start(&check_, [](uv_check_t* raw) {
    detail::begin_turn(raw->loop);
    static_cast<Loop*>(raw->loop->data)->end_turn();
  });
  uv_unref(reinterpret_cast<uv_handle_t*>(&check_));
}

Loop::~Loop() {
  slice_turns_.reset();
  uv_close(reinterpret_cast<uv_handle_t*>(&check_), nullptr);
  uv_close(reinterpret_cast<uv_handle_t*>(&idle_), nullptr);
  // Handles that are still open belong to libraries that close asynchronously; requests, to libuv's threads.
  for (int turns = 0; uv_loop_close(&loop_) == UV_EBUSY && turns < 1000; ++turns)
    uv_run(&loop_, is_working() ? UV_RUN_ONCE : UV_RUN_NOWAIT);
  for (const auto& call : at_end_) call();
}

detail::SliceTurns& Loop::slice_turns() {
  if (!slice_turns_) slice_turns_ = std::make_unique<detail::SliceTurns>(*this);
  return *slice_turns_;
}

void Loop::run() {
  uv_run(&loop_, UV_RUN_DEFAULT);
}
void Loop::stop() {
  uv_stop(&loop_);
}

void Loop::add(EndOfTurn& work) {
  const bool next = is_ending_turn_ && work.done_in_ == turn_;
  (next ? next_ : due_).push_back(&work);
  if (!is_ending_turn_) uv_idle_start(&idle_, [](uv_idle_t*) {});
}

void Loop::remove(EndOfTurn& work) {
  std::erase(due_, &work);
  std::erase(next_, &work);
}

void Loop::end_turn() {
  ++turn_;
  is_ending_turn_ = true;
  while (!due_.empty()) {
    EndOfTurn& work = *due_.front();
    due_.pop_front();
    work.requested_ = false;
    work.done_in_ = turn_;
    const auto call = work.call_;  // it may destroy `work`
    (*call)();
  }
  is_ending_turn_ = false;
  due_.swap(next_);
  if (due_.empty()) {
    uv_idle_stop(&idle_);
  } else {
    uv_idle_start(&idle_, [](uv_idle_t*) {});
  }
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
    : loop_(loop), call_(std::make_shared<const std::function<void()>>(std::move(call))) {}

EndOfTurn::~EndOfTurn() {
  if (requested_) loop_.remove(*this);
}

void EndOfTurn::request() {
  if (!std::exchange(requested_, true)) loop_.add(*this);
}

}  // namespace aribus
