#include "protocol/line_limit.h"

#include "tests/catch.h"

using aribus::LineLimit;
using std::chrono::milliseconds;

namespace {

constexpr uint64_t in_a_second = 20;

}  // namespace

TEST_CASE("some lines of a key are written in a period, and of more the number") {
  LineLimit<int> limit(in_a_second, std::chrono::seconds(1));
  const auto start = std::chrono::steady_clock::now();
  uint64_t told = 0;
  for (int i = 0; i < 1000; ++i) told += limit.admit(1000, start + milliseconds(i / 2)) ? 1 : 0;
  CHECK(told == in_a_second);
  CHECK(limit.admit(1001, start));  // another key
  CHECK(limit.take_counts(start + milliseconds(900)).empty());
  const auto counts = limit.take_counts(start + milliseconds(1000));
  REQUIRE(counts.size() == 1);
  CHECK(counts[0].key == 1000);
  CHECK(counts[0].lines == 1000 - in_a_second);
  CHECK(limit.take_counts(start + milliseconds(5000)).empty());
}

TEST_CASE("nothing is left out of the numbers when periods follow each other") {
  LineLimit<int> limit(in_a_second, std::chrono::seconds(1));
  const auto start = std::chrono::steady_clock::now();
  uint64_t told = 0, counted = 0;
  for (int i = 0; i < 10'000; ++i) told += limit.admit(7, start + milliseconds(i)) ? 1 : 0;
  for (const auto& count : limit.take_counts(start + milliseconds(20'000))) counted += count.lines;
  CHECK(told + counted == 10'000);
  CHECK(told == 10 * in_a_second);
}
