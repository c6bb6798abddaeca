#include "net/background_queue.h"

namespace aribus {

void BackgroundQueue::add(std::function<void()> work, std::function<void()> done) {
  waiting_.emplace_back(std::move(work), std::move(done));
  start();
}

void BackgroundQueue::start() {
  if (waiting_.empty() || background_.is_busy()) return;
  auto [work, done] = std::move(waiting_.front());
  waiting_.pop_front();
  background_.start(loop_, std::move(work), [this, done = std::move(done)] {
    start();
    done();
  });
}

}  // namespace aribus
