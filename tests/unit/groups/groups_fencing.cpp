// Who may send a command about a call.
#include <functional>
#include <string>
#include <vector>

#include "groups/groups.h"
#include "tests/catch.h"
#include "tests/unit/groups/stage.h"

using namespace aribus;
using namespace aribus::groups;
using namespace aribus::test;
using namespace std::chrono_literals;

TEST_CASE("a command of a member that does not own the call, or with an old epoch, is refused") {
  Stage stage({ivr()});
  stage.join(1, "w1");
  stage.enter("c1");
  const uint64_t first = stage.call("c1")->epoch;
  CHECK(first == static_cast<uint64_t>(Stage::start_ms));
  CHECK(stage.command(1, "c1", first));
  stage.join(2, "w2");
  const auto refused = stage.check(2, "c1");
  REQUIRE(refused);
  CHECK(refused->owner == "w1");
  CHECK(refused->epoch == first);
  CHECK(stage.hand_over(1, "c1", "w2").empty());
  const auto old = stage.check(1, "c1", first);
  REQUIRE(old);
  CHECK(old->owner == "w2");
  CHECK(old->epoch > first);
  CHECK(stage.hand_over(2, "c1", "w1").empty());
  CHECK(stage.check(1, "c1", first));  // again the owner, but the epoch is old
  CHECK_FALSE(stage.check(1, "c1", stage.call("c1")->epoch));
  CHECK_FALSE(stage.check(1, "c1"));
}

TEST_CASE("a program that was a member can't touch a call with the epoch that it had") {
  Stage stage({ivr()});
  stage.join(1, "w1");
  stage.enter("c1");
  stage.accept(1, "c1");
  const uint64_t epoch = stage.call("c1")->epoch;
  stage.join(2, "w2");
  stage.leave(1);
  CHECK(stage.owner("c1") == "w2");
  const auto refused = stage.check(1, "c1", epoch);
  REQUIRE(refused);
  CHECK(refused->owner == "w2");
  CHECK_FALSE(stage.check(1, "c1"));  // as any program outside
}

TEST_CASE("a command about a call of two groups names the epoch of the sender's own") {
  Settings other = ivr();
  other.name = "statistics";
  Stage stage({ivr(), other});
  stage.join(1, "w1");
  stage.enter("c1");
  stage.pass(5ms);
  REQUIRE(stage.join({.connection = 2, .group = "statistics", .member = "s1"}));
  const uint64_t first = stage.call("c1")->epoch;
  const uint64_t second = stage.call("c1", "statistics")->epoch;
  REQUIRE(first != second);
  CHECK_FALSE(stage.check(1, "c1", first));
  CHECK(stage.check(1, "c1", second));
  CHECK_FALSE(stage.check(2, "c1", second));
  CHECK(stage.check(2, "c1", first));
  CHECK_FALSE(stage.check(9, "c1", first));
  CHECK(stage.check(9, "c1", first + second));
}

TEST_CASE("members who own a call with a channel in a bridge may act on it") {
  Stage stage({ivr()});
  for (Connection connection = 1; connection <= 11; ++connection) stage.join(connection, "", 10);
  std::vector<std::string> ids;
  for (int i = 0; i < 100; ++i) ids.push_back("c" + std::to_string(i));
  stage.leave(11);
  for (const std::string& id : ids) stage.enter(id);
  const std::vector<std::string_view> calls(ids.begin(), ids.end());
  for (Connection connection = 1; connection <= 10; ++connection) {
    CHECK_FALSE(stage.groups->check_bridge(connection, calls));
  }
  stage.join(11);
  CHECK(stage.groups->check_bridge(11, calls));
  CHECK_FALSE(stage.groups->check_bridge(11, {}));
  CHECK_FALSE(stage.groups->check_bridge(11, {"unknown"}));
  CHECK_FALSE(stage.groups->check_bridge(99, calls));  // no member, and the group is not exclusive
}

TEST_CASE("an accepted command of a program outside takes a call that belongs to nobody") {
  Stage stage({ivr()});
  stage.enter("c1");
  CHECK(stage.command(9, "c1"));
  stage.join(1, "w1");
  CHECK(stage.owner("c1").empty());
  CHECK(stage.check(1, "c1"));
  stage.pass(1h);
  CHECK(stage.news() == std::vector<std::string>{"released c1: outside"});
  stage.enter("c2");
  CHECK(stage.command(9, "c2"));
  CHECK(stage.owner("c2") == "w1");
}

TEST_CASE("a command of a program outside takes no call before Asterisk has accepted it") {
  Stage stage({ivr()});
  stage.enter("c1");
  stage.groups->commanded(9, "c1", stage.now);
  CHECK(stage.call("c1")->state == CallState::waiting);
  stage.join(1, "w1");
  CHECK(stage.owner("c1") == "w1");
  stage.groups->carried_out(9, "c1", stage.now);  // too late
  CHECK(stage.owner("c1") == "w1");
}

TEST_CASE("an exclusive group refuses commands of programs outside it") {
  Stage stage({ivr_with([](Settings& settings) { settings.exclusive = true; })});
  stage.enter("c1");
  CHECK_FALSE(stage.command(9, "c1"));
  stage.join(1, "w1");
  CHECK(stage.owner("c1") == "w1");
  CHECK_FALSE(stage.command(9, "c1"));
  CHECK(stage.command(1, "c1"));
  CHECK(stage.groups->check_bridge(9, {"c1"}));
}

TEST_CASE("members of another group have their calls, however exclusive a group is") {
  Settings other = ivr();
  other.name = "statistics";
  Stage stage({ivr_with([](Settings& settings) { settings.exclusive = true; }), other});
  stage.join(1, "w1");
  REQUIRE(stage.join({.connection = 2, .group = "statistics", .member = "s1"}));
  stage.enter("c1");
  const std::optional<uint64_t> epoch = stage.groups->epoch_of(2, "c1");
  CHECK(epoch == stage.call("c1", "statistics")->epoch);
  CHECK_FALSE(stage.groups->check_own(2, "c1", epoch));
  CHECK(stage.groups->check_own(2, "c1", *epoch - 1)->group == "statistics");
  CHECK(stage.groups->check_own(2, "unknown", {})->group == "statistics");
  CHECK(stage.groups->check_own(3, "c1", {})->group.empty());
  CHECK_FALSE(stage.groups->epoch_of(3, "c1"));
  CHECK_FALSE(stage.command(2, "c1", epoch));  // that is for ivr's members
}
