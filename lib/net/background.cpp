#include "net/background.h"

#include <memory>
#include <stdexcept>
#include <utility>

namespace aribus {

struct Background::Task {
  uv_work_t raw;
  std::function<void()> work;
  std::function<void()> done;
  Background* owner;
};

Background::~Background() {
  if (task_ != nullptr) task_->owner = nullptr;
}

void Background::start(Loop& loop, std::function<void()> work, std::function<void()> done) {
  auto task = std::make_unique<Task>(Task{{}, std::move(work), std::move(done), this});
  task->raw.data = task.get();
  const int status = uv_queue_work(
      loop.raw(), &task->raw, [](uv_work_t* raw) { static_cast<Task*>(raw->data)->work(); }, &finished);
  if (status != 0) throw std::runtime_error(uv_strerror(status));
  task_ = task.release();
}

void Background::finished(uv_work_t* raw, int) {
  const std::unique_ptr<Task> task(static_cast<Task*>(raw->data));
  if (task->owner == nullptr) return;
  task->owner->task_ = nullptr;
  task->done();
}

}  // namespace aribus
