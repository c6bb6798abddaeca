// The event loop and what waits on it: thin owners of libuv's handles.
//
// One thread, one loop. Everything here belongs to the loop's thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include <uv.h>

#include "base/duration_histogram.h"

namespace aribus {

using Milliseconds = std::chrono::milliseconds;

// The event loop.
class Loop {
 public:
  Loop();
  // Required: what waits on the loop was destroyed. Runs it until the handles being closed are gone, and
  // libuv's threads are back.
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Runs until stop().
  void run();
  void stop();

  // Has `call` called when the loop has ended and all its handles are closed.
  void at_end(std::function<void()> call) { at_end_.push_back(std::move(call)); }

  // Monotonic time of the current turn.
  [[nodiscard]] Milliseconds now() const { return Milliseconds(uv_now(&loop_)); }
  [[nodiscard]] uv_loop_t* raw() { return &loop_; }

 private:
  uv_loop_t loop_;
  std::vector<std::function<void()>> at_end_;
};

namespace detail {

// A libuv handle on the heap: libuv may look at it until the close callback, which can be after its owner's
// end.
template <typename Raw>
struct Handle {
  Raw raw;
  std::function<void(int)> call;

  static Handle* from(Raw* raw) { return static_cast<Handle*>(raw->data); }
};

template <typename Raw>
struct CloseHandle {
  void operator()(Handle<Raw>* handle) const {
    handle->call = nullptr;
    const auto base = reinterpret_cast<uv_handle_t*>(&handle->raw);
    if (uv_is_closing(base)) return;  // the loop is being torn down
    uv_close(base, [](uv_handle_t* h) { delete static_cast<Handle<Raw>*>(h->data); });
  }
};

template <typename Raw>
using HandlePtr = std::unique_ptr<Handle<Raw>, CloseHandle<Raw>>;

}  // namespace detail

// Calls back once, or at intervals. Must not outlive its loop.
//
// After a turn of the loop that took too long (or a stopped process), what arrived meanwhile is handled
// before the timers that are late: nothing is given up for an answer that lies there unread.
class Timer {
 public:
  explicit Timer(Loop& loop);
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  // Calls `call` after `delay`, replacing what was set before.
  void once(Milliseconds delay, std::function<void()> call);
  // Calls `call` every `interval`, the first time after one interval.
  void every(Milliseconds interval, std::function<void()> call);
  void stop();
  [[nodiscard]] bool active() const;

 private:
  void start(Milliseconds delay, Milliseconds repeat, std::function<void()> call);
  void arm(Milliseconds delay);
  [[nodiscard]] bool must_wait();

  detail::HandlePtr<uv_timer_t> handle_;
  uint64_t due_ = 0;        // on the loop's clock, in milliseconds
  bool postponed_ = false;  // it was late, and waits for what arrived meanwhile
};

// Watches a file descriptor, which must stay open until the Poll is gone.
class Poll {
 public:
  Poll(Loop& loop, int fd);
  // Calls `call(events)` with UV_READABLE, UV_WRITABLE or both whenever one of `events` is there; 0 for
  // `events` stops watching.
  void watch(int events, std::function<void(int)> call);
  // Watches for other events with the same callback.
  void watch(int events);

 private:
  detail::HandlePtr<uv_poll_t> handle_;
  int watched_ = 0;
};

// Calls back when the process gets a signal.
class Signal {
 public:
  Signal(Loop& loop, int number, std::function<void()> call);

 private:
  detail::HandlePtr<uv_signal_t> handle_;
};

// Measures how long the loop keeps away from its descriptors: the turns, without the time it slept.
class TurnMeter {
 public:
  explicit TurnMeter(Loop& loop);
  TurnMeter(const TurnMeter&) = delete;
  TurnMeter& operator=(const TurnMeter&) = delete;

  [[nodiscard]] uint64_t turns() const { return turns_; }
  [[nodiscard]] const DurationHistogram& durations() const { return durations_; }
  // The longest turn of all, and of the last one to two minutes.
  [[nodiscard]] std::chrono::microseconds longest() const { return longest_; }
  [[nodiscard]] std::chrono::microseconds longest_lately() const;

 private:
  void end_turn();

  Loop& loop_;
  detail::HandlePtr<uv_prepare_t> prepare_;
  uint64_t turns_ = 0;
  uint64_t at_ns_ = 0;    // of the end of the last turn
  uint64_t idle_ns_ = 0;  // slept up to there
  uint64_t minute_ = 0;
  DurationHistogram durations_;
  std::chrono::microseconds longest_{0};
  std::chrono::microseconds this_minute_{0};
  std::chrono::microseconds minute_before_{0};
};

// Work at the end of a turn: what many events of one turn ask for is done once, after the last of them.
class EndOfTurn {
 public:
  EndOfTurn(Loop& loop, std::function<void()> call);
  // Has the callback called once, before the loop sleeps again.
  void request();

 private:
  detail::HandlePtr<uv_check_t> check_;
  detail::HandlePtr<uv_idle_t> idle_;  // keeps the loop from sleeping while a request is open
  bool requested_ = false;
};

}  // namespace aribus
