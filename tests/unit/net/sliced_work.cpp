#include "net/sliced_work.h"

#include <memory>
#include <string>

#include "net/discard.h"
#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using aribus::test::pump;

namespace {

// Writes `letter` for each slice.
Slices write(std::string& to, char letter, int slices) {
  for (int i = 0; i < slices; ++i) {
    to += letter;
    co_await Slices::Done{SlicedWork::units_a_turn};
  }
}

Slices end_another(std::unique_ptr<SlicedWork>& work, bool& went_on) {
  work.reset();
  co_await Slices::Done{SlicedWork::units_a_turn};
  went_on = true;
}

}  // namespace

TEST_CASE("in a turn of the loop there is one slice, whoever's") {
  Loop loop;
  SlicedWork one(loop), other(loop);
  std::string written;
  size_t longest = 0, before = 0;
  one.start(write(written, 'a', 5));
  other.start(write(written, 'b', 3));
  CHECK(pump(loop, [&] {
    longest = std::max(longest, written.size() - std::exchange(before, written.size()));
    return !one.is_busy() && !other.is_busy();
  }));
  CHECK(written == "abababaa");
  CHECK(longest == 1);
}

TEST_CASE("timers and other events have their turn between two slices") {
  Loop loop;
  SlicedWork work(loop);
  std::string written;
  work.start(write(written, 'a', 1000));
  Timer timer(loop);
  bool ended_first = true;
  timer.once(Milliseconds(0), [&] { ended_first = !work.is_busy(); });
  CHECK(pump(loop, [&] { return !work.is_busy(); }));
  CHECK_FALSE(ended_first);
}

TEST_CASE("work can be replaced, stopped, and ended by itself") {
  Loop loop;
  std::string written;
  {
    SlicedWork work(loop);
    work.start(write(written, 'a', 5));
    CHECK(pump(loop, [&] { return written.size() == 2; }));
    work.start(write(written, 'b', 2));
    CHECK(pump(loop, [&] { return !work.is_busy(); }));
    CHECK(written == "aabb");
    work.start(write(written, 'c', 5));
    CHECK(pump(loop, [&] { return written.size() == 5; }));
  }
  uv_run(loop.raw(), UV_RUN_NOWAIT);
  CHECK(written == "aabbc");

  auto work = std::make_unique<SlicedWork>(loop);
  bool went_on = false;
  work->start(end_another(work, went_on));
  CHECK(pump(loop, [&] { return work == nullptr; }));
  uv_run(loop.raw(), UV_RUN_NOWAIT);
  CHECK_FALSE(went_on);
}

TEST_CASE("what is large is destroyed elsewhere, and the loop does not end before that") {
  std::weak_ptr<std::string> object;
  {
    Loop loop;
    auto made = std::make_shared<std::string>("large");
    object = made;
    discard(loop, std::move(made));
  }
  CHECK(object.expired());
}
