#include "net/background.h"

#include <optional>
#include <thread>

#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;

TEST_CASE("work is done on another thread, and its end comes on the loop's") {
  Loop loop;
  Background background;
  std::thread::id worker, finisher;
  background.start(
      loop, [&] { worker = std::this_thread::get_id(); },
      [&] {
        finisher = std::this_thread::get_id();
        CHECK_FALSE(background.is_busy());
        loop.stop();
      });
  CHECK(background.is_busy());
  loop.run();
  CHECK(finisher == std::this_thread::get_id());
  CHECK(worker != finisher);
}

TEST_CASE("nobody is called when who asked for the work is gone") {
  bool worked = false;
  bool called = false;
  {
    Loop loop;
    std::optional<Background> background(std::in_place);
    background->start(
        loop, [&] { worked = true; }, [&] { called = true; });
    background.reset();
  }
  CHECK(worked);
  CHECK_FALSE(called);
}

TEST_CASE("the loop knows of work that was given up, until it is done") {
  Loop loop;
  std::optional<Background> background(std::in_place);
  CHECK_FALSE(loop.is_working());
  background->start(
      loop, [] {}, [] {});
  background.reset();
  CHECK(loop.is_working());
  CHECK(test::pump(loop, [&] { return !loop.is_working(); }));
}
