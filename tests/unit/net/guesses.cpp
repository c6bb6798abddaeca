#include "net/guesses.h"

#include <vector>

#include "tests/catch.h"

using namespace aribus;

TEST_CASE("each wrong password lengthens the pause, up to a bound, and for each address by itself") {
  Guesses guesses;
  std::vector<long> pauses;
  Milliseconds now{1'000'000};
  for (int i = 0; i < 11; ++i) pauses.push_back(guesses.wrong("192.0.2.1", now).count());
  CHECK(pauses == std::vector<long>{0, 0, 0, 100, 200, 400, 800, 1600, 3200, 5000, 5000});
  CHECK(guesses.wrong("192.0.2.2", now).count() == 0);
  CHECK(guesses.total() == 12);
}

TEST_CASE(
    "within the pause nothing of that address is looked at, but on loopback, where Asterisk is as well") {
  Guesses guesses;
  const Milliseconds now{1'000'000};
  for (const char* address : {"192.0.2.1", "127.0.0.1", "::1", "2001:db8:1:2:3:4:5:6"}) {
    for (int i = 0; i < 5; ++i) guesses.wrong(address, now);
  }
  CHECK_FALSE(guesses.may_try("192.0.2.1", now + Milliseconds(199)));
  CHECK(guesses.may_try("192.0.2.1", now + Milliseconds(200)));
  CHECK(guesses.may_try("192.0.2.2", now));
  CHECK(guesses.may_try("127.0.0.1", now));
  CHECK(guesses.may_try("::1", now));
  CHECK_FALSE(guesses.may_try("2001:db8:1:2:3:4:5:7", now));  // of the same network of 64 bits
  CHECK_FALSE(guesses.may_try("2001:db8:1:2::1", now));
  CHECK(guesses.may_try("2001:db8:1:3::1", now));
}

TEST_CASE("addresses are forgotten after a while, and no more than the bound are remembered") {
  Guesses guesses;
  Milliseconds now{1'000'000};
  for (int i = 0; i < 10; ++i) guesses.wrong("192.0.2.1", now);
  CHECK(guesses.wrong("192.0.2.1", now + Guesses::forget_after).count() == 0);
  for (int i = 0; i < 3000; ++i) {
    guesses.wrong("10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250), now += Milliseconds(1));
  }
  CHECK(guesses.addresses() == Guesses::max_addresses);
}
