#include "base/slices.h"

#include <memory>
#include <stdexcept>
#include <vector>

#include "tests/catch.h"

using aribus::Slices;

namespace {

Slices count(int& counted, int up_to) {
  while (counted < up_to) {
    ++counted;
    co_await Slices::Done{};
  }
}

Slices in_parts(int& counted) {
  co_await count(counted, 5);
  counted += 100;
  co_await count(counted, 110);
}

Slices failing(int& counted) {
  co_await count(counted, 3);
  throw std::runtime_error("it fails");
}

Slices around_failing(int& counted) {
  co_await failing(counted);
  counted = -1;
}

Slices holding(std::shared_ptr<int> held) {
  for (;;) {
    ++*held;
    co_await Slices::Done{};
  }
}

}  // namespace

TEST_CASE("a slice does as much as it is given, in parts as in one piece") {
  int counted = 0;
  Slices work = count(counted, 10);
  CHECK(counted == 0);
  CHECK_FALSE(work.run(4));
  CHECK(counted == 4);
  CHECK_FALSE(work.run(4));
  CHECK(counted == 8);
  CHECK(work.run(4));
  CHECK(counted == 10);

  counted = 0;
  Slices parts = in_parts(counted);
  CHECK_FALSE(parts.run(3));
  CHECK(counted == 3);
  CHECK_FALSE(parts.run(4));  // two of the first part, two of the second one
  CHECK(counted == 107);
  CHECK(parts.run(100));
  CHECK(counted == 110);
}

TEST_CASE("an exception in a part ends the whole") {
  int counted = 0;
  Slices work = around_failing(counted);
  CHECK_FALSE(work.run(2));
  CHECK_THROWS_AS(static_cast<void>(work.run(100)), std::runtime_error);
  CHECK(counted == 3);
}

TEST_CASE("work that is dropped where it pauses frees what it holds") {
  const auto held = std::make_shared<int>(0);
  {
    Slices work = holding(held);
    CHECK_FALSE(work.run(7));
    CHECK(*held == 7);
    CHECK(held.use_count() == 2);
  }
  CHECK(held.use_count() == 1);
}
