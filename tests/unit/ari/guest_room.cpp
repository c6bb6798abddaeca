#include "ari/guest_room.h"

#include <vector>

#include "tests/catch.h"

using namespace aribus;
using namespace aribus::ari;

namespace {

constexpr Milliseconds now{10'000};

Milliseconds ago(int ms) {
  return now - Milliseconds(ms);
}

}  // namespace

TEST_CASE("the address with the most guests loses one") {
  const std::vector<GuestView> guests = {{"192.0.2.1", ago(900), GuestKind::silent},
                                         {"192.0.2.2", ago(800), GuestKind::speaking},
                                         {"192.0.2.2", ago(10), GuestKind::speaking}};
  CHECK(who_makes_room(guests, now) == 1);
}

TEST_CASE("of one address go the silent, then the refused, then those in the middle of a request") {
  std::vector<GuestView> guests = {{"::1", ago(900), GuestKind::speaking},
                                   {"::1", ago(700), GuestKind::silent},
                                   {"::1", ago(600), GuestKind::silent},
                                   {"::1", ago(900), GuestKind::refused},
                                   {"::1", ago(999), GuestKind::right}};
  for (const size_t expected : {1, 2, 3, 0}) {
    REQUIRE(who_makes_room(guests, now) == expected);
    guests[expected] = {"::1", ago(999), GuestKind::right};
  }
  CHECK_FALSE(who_makes_room(guests, now));
}

TEST_CASE("who has just connected has time to speak, as long as others had it") {
  std::vector<GuestView> guests = {{"::1", ago(20), GuestKind::silent},
                                   {"::1", ago(200), GuestKind::speaking},
                                   {"::1", ago(40), GuestKind::silent}};
  CHECK(who_makes_room(guests, now) == 1);
  guests[1].since = ago(30);
  CHECK(who_makes_room(guests, now) == 2);
}
