#include "net/held_bytes.h"

#include <optional>

#include "tests/catch.h"

using namespace aribus;

namespace {

constexpr size_t mib = 1 << 20;
constexpr size_t first = HeldBytes::free_bytes;  // of each answer, that doesn't count

}  // namespace

TEST_CASE("answers being received hold no more than the bound, and give back what they held") {
  HeldBytes all(8 * mib);
  std::optional<HeldBytes::Answer> one(std::in_place, all, 1);
  HeldBytes::Answer two(all, 2);
  CHECK(one->add(first + 6 * mib));
  CHECK(all.bytes() == 6 * mib);
  CHECK_FALSE(two.add(first + 2 * mib + 1));
  CHECK(two.add(first + 2 * mib));
  CHECK_FALSE(one->add(1));
  CHECK(all.bytes() == 8 * mib);
  one.reset();
  CHECK(all.bytes() == 2 * mib);
  CHECK(two.add(6 * mib));
}

TEST_CASE("several answers of one user hold a quarter of the bound, a single one all of it") {
  HeldBytes all(8 * mib);
  HeldBytes::Answer one(all, 1);
  HeldBytes::Answer two(all, 1);
  CHECK(one.add(first + mib));
  CHECK_FALSE(two.add(first + mib + 1));
  CHECK(two.add(first + mib));
  CHECK_FALSE(one.add(1));
  HeldBytes::Answer others(all, 2);
  CHECK(others.add(first + 6 * mib));
}

TEST_CASE("a small answer comes through whatever others hold") {
  HeldBytes all(mib);
  HeldBytes::Answer large(all, 1);
  REQUIRE(large.add(first + mib));
  for (int i = 0; i < 100; ++i) CHECK(HeldBytes::Answer(all, 1).add(first));
  CHECK_FALSE(HeldBytes::Answer(all, 2).add(first + 1));
}
