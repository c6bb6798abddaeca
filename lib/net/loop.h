// The event loop and what waits on it: thin owners of libuv's handles.
//
// One thread runs one loop, and everything here belongs to that thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include <uv.h>

#include "net/handle.h"

namespace aribus {

using Milliseconds = std::chrono::milliseconds;

class EndOfTurn;
namespace detail {
class SliceTurns;
}

// The event loop.
class Loop {
 public:
  Loop();
  // Required: everything that waits on the loop was destroyed. Runs the loop until the handles being closed
  // are gone and libuv's threads have finished their work (is_working()).
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Runs until stop().
  void run();
  void stop();

  // Calls `call` when the loop has ended and all its handles are closed.
  void at_end(std::function<void()> call) { at_end_.push_back(std::move(call)); }

  // Monotonic time of the current turn.
  [[nodiscard]] Milliseconds now() const { return Milliseconds(uv_now(&loop_)); }
  // Whether libuv's threads do work for this loop (Background, DnsResolver), given up or not. The destructor
  // waits for it; a look-up of a name can take as long as the name server is dead.
  [[nodiscard]] bool is_working() const { return loop_.active_reqs.count > 0; }
  [[nodiscard]] uv_loop_t* raw() { return &loop_; }
  // When the first callback since the last call of this began, by uv_hrtime(); 0: there was none.
  [[nodiscard]] uint64_t take_turn_began() { return std::exchange(turn_began_ns_, 0); }
  // The turns of SlicedWork.
  [[nodiscard]] detail::SliceTurns& slice_turns();

 private:
  friend class EndOfTurn;
  friend void detail::begin_turn(uv_loop_t* loop);

  void add(EndOfTurn& work);
  void remove(EndOfTurn& work);
  void end_turn();

  uv_loop_t loop_;
  uv_check_t check_;
  uv_idle_t idle_;  // keeps the loop from sleeping while work is due
  std::deque<EndOfTurn*> due_;
  std::deque<EndOfTurn*> next_;  // due in the next turn
  uint64_t turn_ = 0;
  bool is_ending_turn_ = false;
  uint64_t turn_began_ns_ = 0;
  std::vector<std::function<void()>> at_end_;
  std::unique_ptr<detail::SliceTurns> slice_turns_;  // nullptr: not used yet
};

// Calls back once, or at intervals. Must not outlive its loop.
//
// After a turn of the loop that took too long (or a stopped process), late timers run after the input that
// arrived in the meantime: no request times out whose answer is already there to be read.
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
  bool postponed_ = false;  // it was late and lets one turn pass
};

// Watches a file descriptor, which must stay open until the Poll is gone.
class Poll {
 public:
  Poll(Loop& loop, int fd);
  // Calls `call(events)` with UV_READABLE, UV_WRITABLE or both whenever one of `events` occurs. `events` 0
  // stops watching.
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

// Work at the end of a turn: requested by any number of events of a turn, it is done once, after the last.
// What other work requests is done in the same turn. What has been done in this turn and is requested again
// is done in the next one, after its events: so no work keeps the loop from them.
class EndOfTurn {
 public:
  EndOfTurn(Loop& loop, std::function<void()> call);
  ~EndOfTurn();
  EndOfTurn(const EndOfTurn&) = delete;
  EndOfTurn& operator=(const EndOfTurn&) = delete;
  // Calls the callback once, before the loop sleeps again. The callback may destroy this object.
  void request();

 private:
  friend class Loop;

  Loop& loop_;
  std::shared_ptr<const std::function<void()>> call_;
  uint64_t done_in_ = 0;  // the turn in which it was called last
  bool requested_ = false;
};

}  // namespace aribus
