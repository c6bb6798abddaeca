#include "session/command_order.h"

#include <chrono>

#include "tests/catch.h"
#include "tests/support/cpu_time.h"

using aribus::session::CommandOrder;
using Tickets = std::vector<uint64_t>;

TEST_CASE("tickets without a common key go at once") {
  CommandOrder order;
  CHECK(order.enter(1, {"a"}));
  CHECK(order.enter(2, {"b", "c"}));
  CHECK(order.enter(3, {}));
  CHECK(order.leave(2).empty());
  CHECK(order.leave(1).empty());
  CHECK(order.leave(3).empty());
}

TEST_CASE("tickets with a common key go one after the other") {
  CommandOrder order;
  CHECK(order.enter(1, {"a"}));
  CHECK_FALSE(order.enter(2, {"a"}));
  CHECK_FALSE(order.enter(3, {"a"}));
  CHECK(order.leave(1) == Tickets{2});
  CHECK(order.leave(2) == Tickets{3});
  CHECK(order.leave(3).empty());
  CHECK(order.enter(4, {"a"}));
}

TEST_CASE("a ticket of several keys waits for all that came before it, and holds up all that come after") {
  CommandOrder order;
  CHECK(order.enter(1, {"a"}));
  CHECK(order.enter(2, {"b"}));
  CHECK_FALSE(order.enter(3, {"a", "b", "c"}));
  CHECK_FALSE(order.enter(4, {"c"}));
  CHECK_FALSE(order.enter(5, {"b"}));
  CHECK(order.leave(2).empty());
  CHECK(order.leave(1) == Tickets{3});
  CHECK(order.leave(3) == Tickets{4, 5});
}

TEST_CASE("a key named twice counts once") {
  CommandOrder order;
  CHECK(order.enter(1, {"a", "a"}));
  CHECK_FALSE(order.enter(2, {"a", "b", "a"}));
  CHECK(order.leave(1) == Tickets{2});
  CHECK(order.leave(2).empty());
}

TEST_CASE("many tickets with many keys cost what their keys cost") {
  std::vector<std::string> keys;
  for (int i = 0; i < 1024; ++i) keys.push_back("channel-" + std::to_string(i));
  const auto cost_of = [&](uint64_t count) {
    CommandOrder order;
    const auto began = aribus::test::cpu_time();
    for (uint64_t ticket = 0; ticket < count; ++ticket) REQUIRE(order.enter(ticket, keys) == (ticket == 0));
    for (uint64_t ticket = 0; ticket + 1 < count; ++ticket)
      REQUIRE(order.leave(ticket) == Tickets{ticket + 1});
    return aribus::test::cpu_time() - began;
  };
  cost_of(50);  // what is needed once
  const auto some = cost_of(50), many = cost_of(200);
  CHECK(many < some * 10);  // the square of it: 16 times
}
