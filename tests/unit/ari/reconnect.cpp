#include "ari/reconnect.h"

#include <set>

#include "tests/catch.h"

using namespace aribus;
using namespace aribus::ari;

namespace {

// The delay comes from the upper half of `span`.
void check_within(Milliseconds delay, int span) {
  INFO(delay.count() << " ms of " << span);
  CHECK(delay >= Milliseconds(span / 2));
  CHECK(delay <= Milliseconds(span));
}

}  // namespace

TEST_CASE("delays double from the first to the longest and stay there") {
  for (unsigned seed = 1; seed < 50; ++seed) {
    Reconnect reconnect({Milliseconds(100), Milliseconds(5000), Milliseconds(60'000)}, seed);
    for (const int span : {100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000}) {
      check_within(reconnect.next(), span);
    }
    for (int i = 0; i < 1000; ++i) check_within(reconnect.next(), 5000);
  }
}

TEST_CASE("delays are spread over the upper half of their span") {
  std::set<Milliseconds::rep> delays;
  Milliseconds least(5000), most(0);
  for (unsigned seed = 1; seed <= 2000; ++seed) {
    Reconnect reconnect({Milliseconds(5000), Milliseconds(5000), Milliseconds(60'000)}, seed * 7919);
    const Milliseconds delay = reconnect.next();
    delays.insert(delay.count());
    least = std::min(least, delay);
    most = std::max(most, delay);
  }
  CHECK(delays.size() > 500);
  CHECK(least < Milliseconds(2750));
  CHECK(most > Milliseconds(4750));
}

TEST_CASE("a connection that held for the stable time starts the doubling afresh") {
  Reconnect reconnect({Milliseconds(100), Milliseconds(5000), Milliseconds(60'000)}, 1);
  for (int i = 0; i < 4; ++i) (void)reconnect.next();
  reconnect.ended(Milliseconds(59'999));
  check_within(reconnect.next(), 1600);
  reconnect.ended(Milliseconds(60'000));
  check_within(reconnect.next(), 100);
  check_within(reconnect.next(), 200);
}

TEST_CASE("what a person must mend is tried more slowly, what passes in a moment more quickly") {
  Reconnect reconnect({Milliseconds(100), Milliseconds(5000), Milliseconds(60'000), Milliseconds(30'000)});
  for (const int span : {100, 200, 400, 800, 1600, 3200, 6400, 12'800, 25'600, 30'000, 30'000}) {
    check_within(reconnect.next(FailureCause::login), span);
  }
  check_within(reconnect.next(FailureCause::odd_answer), 5000);
  for (int i = 0; i < 3; ++i) check_within(reconnect.next(FailureCause::starting), 1000);
  check_within(reconnect.next(FailureCause::odd_answer), 2000);
  Reconnect impatient({Milliseconds(100), Milliseconds(300), Milliseconds(60'000), Milliseconds(300)});
  for (const int span : {100, 200, 300, 300}) check_within(impatient.next(FailureCause::starting), span);
}

TEST_CASE("two clients do not come back in step") {
  std::set<Milliseconds::rep> delays;
  for (int i = 0; i < 20; ++i) {
    Reconnect reconnect({Milliseconds(5000), Milliseconds(5000), Milliseconds(60'000)});
    delays.insert(reconnect.next().count());
  }
  CHECK(delays.size() > 5);
}

TEST_CASE("the cause decides how long the delay may become") {
  const auto longest = [](FailureCause cause) {
    Reconnect reconnect({Milliseconds(100), Milliseconds(5000), Milliseconds(60'000), Milliseconds(30'000)},
                        1);
    Milliseconds most(0);
    for (int i = 0; i < 200; ++i) most = std::max(most, reconnect.next(cause));
    return most;
  };
  for (const auto cause : {FailureCause::no_connection, FailureCause::odd_answer})
    CHECK((longest(cause) > Milliseconds(4500) && longest(cause) <= Milliseconds(5000)));
  CHECK((longest(FailureCause::starting) > Milliseconds(900) &&
         longest(FailureCause::starting) <= Milliseconds(1000)));
  for (const auto cause : {FailureCause::login, FailureCause::address, FailureCause::apps, FailureCause::tls})
    CHECK((longest(cause) > Milliseconds(27'000) && longest(cause) <= Milliseconds(30'000)));
}
