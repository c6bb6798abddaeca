// Long work on the loop, slice by slice.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>

#include "base/slices.h"
#include "net/loop.h"

namespace aribus {

// Does one piece of work at a time, a slice of it in a turn of the loop, so that the loop serves everything else in
// between. All work of a loop takes turns: one slice of one work in a turn. Belongs to the loop's thread.
class SlicedWork {
 public:
  // Units of Slices::Done in a turn: one to two milliseconds.
  static constexpr size_t units_a_turn = 128;

  explicit SlicedWork(Loop& loop) : loop_(loop) {}
  ~SlicedWork() { stop(); }
  SlicedWork(const SlicedWork&) = delete;
  SlicedWork& operator=(const SlicedWork&) = delete;

  // Begins at the end of this turn; work under way is dropped.
  void start(Slices work);
  // Drops the work under way where it pauses. Within a slice: at its end.
  void stop();
  [[nodiscard]] bool is_busy() const { return work_ != nullptr; }

 private:
  friend class detail::SliceTurns;
  struct Work {
    Slices slices;
    bool dropped = false;
  };

  Loop& loop_;
  std::shared_ptr<Work> work_;
};

namespace detail {

// The sliced work of one loop.
class SliceTurns {
 public:
  explicit SliceTurns(Loop& loop) : end_of_turn_(loop, [this] { turn(); }) {}

  void add(SlicedWork& work);
  void remove(SlicedWork& work);

 private:
  void turn();

  std::deque<SlicedWork*> works_;  // the next one first
  EndOfTurn end_of_turn_;
};

}  // namespace detail
}  // namespace aribus
