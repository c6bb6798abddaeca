#include "net/sliced_work.h"

#include <algorithm>
#include <utility>

namespace aribus {

void SlicedWork::start(Slices work) {
  stop();
  work_ = std::make_shared<Work>(Work{std::move(work)});
  loop_.slice_turns().add(*this);
}

void SlicedWork::stop() {
  if (!work_) return;
  work_->dropped = true;
  work_.reset();  // a slice that is under way holds it to its end
  loop_.slice_turns().remove(*this);
}

namespace detail {

void SliceTurns::add(SlicedWork& work) {
  works_.push_back(&work);
  end_of_turn_.request();
}

void SliceTurns::remove(SlicedWork& work) {
  std::erase(works_, &work);
}

void SliceTurns::turn() {
  if (works_.empty()) return;
  SlicedWork* const first = works_.front();
  const std::shared_ptr<SlicedWork::Work> work = first->work_;
  works_.pop_front();
  works_.push_back(first);
  const bool done = work->slices.run(SlicedWork::units_a_turn);
  if (done && !work->dropped) {
    first->work_.reset();
    remove(*first);
  }
  if (!works_.empty()) end_of_turn_.request();
}

}  // namespace detail
}  // namespace aribus
