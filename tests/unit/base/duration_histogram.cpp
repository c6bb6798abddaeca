#include "base/duration_histogram.h"

#include <numeric>

#include "tests/catch.h"

using aribus::DurationHistogram;

TEST_CASE("durations are counted by how long they are, bounds belonging to the shorter ones") {
  DurationHistogram durations;
  for (const auto us : {0, 100, 101, 1'000'000, 10'000'000, 10'000'001})
    durations.add(DurationHistogram::Duration(us));
  CHECK(durations.counts().front() == 2);
  CHECK(durations.counts()[1] == 1);
  CHECK(durations.counts()[9] == 1);
  CHECK(durations.counts()[11] == 1);
  CHECK(durations.counts().back() == 1);
  CHECK(std::accumulate(durations.counts().begin(), durations.counts().end(), uint64_t{0}) == 6);
  CHECK(durations.sum() == DurationHistogram::Duration(21'000'202));
}
