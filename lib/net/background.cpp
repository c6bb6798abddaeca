#include "net/background.h"

#include <stdexcept>
#include <utility>

namespace aribus {

void Background::start(Loop& loop, std::function<void()> work, std::function<void()> done) {
  const int status = request_.start({std::move(work), std::move(done)}, [&](uv_work_t* raw) {
    return uv_queue_work(
        loop.raw(), raw, [](uv_work_t* request) { Request::payload_of(request).work(); },
        [](uv_work_t* request, int) {
          if (const auto task = Request::finish(request)) task->done();
        });
  });
  if (status != 0) throw std::runtime_error(uv_strerror(status));
}

}  // namespace aribus
