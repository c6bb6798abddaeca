#include "net/turn_meter.h"

#include "tests/catch.h"
#include "tests/support/soon.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using aribus::test::let_pass;
using aribus::test::pump;
using aribus::test::pump_for;

TEST_CASE("the meter counts the time of turns, and not the time slept") {
  Loop loop;
  const TurnMeter meter(loop);
  Timer timer(loop);
  constexpr Milliseconds asleep{150};
  pump_for(loop, asleep);
  CHECK(meter.turns() > 0);
  CHECK(meter.longest() < asleep);
  bool done = false;
  timer.once(Milliseconds(1), [&] {
    let_pass(2 * asleep);
    done = true;
  });
  pump(loop, [&] { return done; });
  pump_for(loop, Milliseconds(5));
  CHECK(meter.longest() >= 2 * asleep);
  CHECK(meter.longest_lately() == meter.longest());
}
