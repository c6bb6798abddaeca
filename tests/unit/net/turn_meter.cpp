#include "net/turn_meter.h"

#include <thread>

#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using aribus::test::pump;
using aribus::test::pump_for;

TEST_CASE("the meter counts the time of turns, and not the time slept") {
  Loop loop;
  const TurnMeter meter(loop);
  Timer timer(loop);
  pump_for(loop, Milliseconds(60));
  CHECK(meter.turns() > 0);
  CHECK(meter.longest() < Milliseconds(30));
  bool done = false;
  timer.once(Milliseconds(1), [&] {
    std::this_thread::sleep_for(Milliseconds(40));
    done = true;
  });
  pump(loop, [&] { return done; });
  pump_for(loop, Milliseconds(5));
  CHECK(meter.longest() >= Milliseconds(40));
  CHECK(meter.longest_lately() == meter.longest());
}
