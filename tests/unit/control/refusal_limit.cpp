#include "control/refusal_limit.h"

#include "tests/catch.h"

using aribus::control::RefusalLimit;
using std::chrono::milliseconds;

TEST_CASE("some refusals of a user are told in a second, and of more the number") {
  RefusalLimit limit;
  const RefusalLimit::Time start = std::chrono::steady_clock::now();
  uint64_t told = 0;
  for (int i = 0; i < 1000; ++i) told += limit.admit(1000, start + milliseconds(i / 2)) ? 1 : 0;
  CHECK(told == RefusalLimit::in_a_second);
  CHECK(limit.admit(1001, start));  // another user's
  CHECK(limit.take_counts(start + milliseconds(900)).empty());
  const auto counts = limit.take_counts(start + milliseconds(1000));
  REQUIRE(counts.size() == 1);
  CHECK(counts[0].user == 1000);
  CHECK(counts[0].refusals == 1000 - RefusalLimit::in_a_second);
  CHECK(limit.take_counts(start + milliseconds(5000)).empty());
}

TEST_CASE("nothing is left out of the numbers when seconds follow each other") {
  RefusalLimit limit;
  const RefusalLimit::Time start = std::chrono::steady_clock::now();
  uint64_t told = 0, counted = 0;
  for (int i = 0; i < 10'000; ++i) told += limit.admit(7, start + milliseconds(i)) ? 1 : 0;
  for (const auto& count : limit.take_counts(start + milliseconds(20'000))) counted += count.refusals;
  CHECK(told + counted == 10'000);
  CHECK(told == 10 * RefusalLimit::in_a_second);
}
