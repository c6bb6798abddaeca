// Who is offered a call, and what becomes of the offer.
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

TEST_CASE("a new call goes to the member with the fewest calls that has room") {
  Stage stage({ivr()});
  stage.join(1, "w1", 2);
  stage.join(2, "w2", 3);
  stage.news().clear();
  for (int i = 1; i <= 6; ++i) stage.enter("c" + std::to_string(i));
  CHECK(stage.owner("c1") == "w1");
  CHECK(stage.owner("c2") == "w2");
  CHECK(stage.owner("c3") == "w1");
  CHECK(stage.owner("c4") == "w2");
  CHECK(stage.owner("c5") == "w2");  // w1 is full
  CHECK(stage.owner("c6").empty());
  stage.end("c3");
  CHECK(stage.owner("c6") == "w1");
}

TEST_CASE("members with equally many calls take turns") {
  Stage stage({ivr()});
  for (Connection c = 1; c <= 3; ++c) stage.join(c, "w" + std::to_string(c));
  for (const char* expected : {"w1", "w2", "w3", "w1", "w2", "w3"}) {
    stage.enter("c");
    CHECK(stage.owner("c") == expected);
    stage.end("c");
  }
}

TEST_CASE("each group has a member of its own for a call") {
  Settings other = ivr();
  other.name = "statistics";
  Stage stage({ivr(), other});
  stage.join(1, "w1");
  REQUIRE(stage.join({.connection = 2, .group = "statistics", .member = "s1"}));
  stage.enter("c1");
  CHECK(stage.owner("c1") == "w1");
  CHECK(stage.owner("c1", "statistics") == "s1");
  CHECK_FALSE(stage.check(1, "c1"));
  CHECK_FALSE(stage.check(2, "c1"));
}

TEST_CASE("calls of other applications belong to no group") {
  Stage stage({ivr()});
  stage.join(1, "w1");
  stage.enter("c1", "", false, "other");
  CHECK(stage.call("c1") == nullptr);
  CHECK_FALSE(stage.check(1, "c1"));
  CHECK_FALSE(stage.check(7, "c1"));
}

TEST_CASE("an offer is accepted by group.accept, or by the first command about the call") {
  Stage stage({ivr()});
  stage.join(1, "w1");
  stage.enter("c1");
  stage.enter("c2");
  CHECK(stage.accept(1, "c1"));
  CHECK(stage.command(1, "c2"));
  CHECK(stage.accept(1, "c2"));  // once more: nothing
  CHECK(stage.news() == std::vector<std::string>{"assigned c1 to w1: new", "assigned c2 to w1: new",
                                                 "accepted c1 by w1", "accepted c2 by w1"});
  stage.pass(1h);
  CHECK(stage.news().empty());
  CHECK_FALSE(stage.accept(2, "c1"));
}

TEST_CASE("an offer that is not accepted in time goes to the next member, then falls back in time") {
  Stage stage({ivr()});
  stage.join(1, "w1");
  stage.join(2, "w2");
  stage.enter("c1");
  stage.pass(1999ms);
  CHECK(stage.owner("c1") == "w1");
  stage.pass(1ms);
  CHECK(stage.owner("c1") == "w2");
  stage.pass(2000ms);
  CHECK(stage.owner("c1") == "w1");
  stage.pass(999ms);
  CHECK(stage.falling_back.empty());
  stage.pass(1ms);
  CHECK(stage.news() == std::vector<std::string>{"assigned c1 to w1: new", "released c1 from w1: unanswered",
                                                 "assigned c1 to w2: passed_on after w1",
                                                 "released c1 from w2: unanswered",
                                                 "assigned c1 to w1: passed_on after w2",
                                                 "released c1 from w1: fallback", "fallback c1"});
  CHECK(stage.check(1, "c1"));
}

TEST_CASE("a declined call goes to the next member, and is not offered again at once") {
  Stage stage({ivr()});
  stage.join(1, "w1");
  stage.enter("c1");
  CHECK(stage.decline(1, "c1"));
  CHECK(stage.owner("c1").empty());
  CHECK_FALSE(stage.decline(1, "c1"));
  stage.join(2, "w2");
  CHECK(stage.owner("c1") == "w2");
  CHECK(stage.decline(2, "c1"));
  stage.pass(1999ms);
  CHECK(stage.owner("c1").empty());
  stage.pass(1ms);
  CHECK(stage.owner("c1") == "w1");
}

TEST_CASE("after three unanswered offers a member gets no more until it sends a request") {
  Stage stage({ivr_with([](Settings& settings) { settings.fallback = Fallback::none; })});
  stage.join(1, "w1");
  for (const char* call : {"c1", "c2", "c3"}) stage.enter(call);
  stage.pass(10s);
  for (const char* call : {"c1", "c2", "c3"}) CHECK(stage.owner(call).empty());
  stage.enter("c4");
  CHECK(stage.owner("c4").empty());
  stage.alive(1);
  for (const char* call : {"c1", "c2", "c3", "c4"}) CHECK(stage.owner(call) == "w1");
}

TEST_CASE("what is counted of a group") {
  Stage stage({ivr()});
  stage.join(1);
  stage.join(2, "w2", 1);
  for (const char* call : {"c1", "c2", "c3"}) stage.enter(call);
  stage.pass(500ms);
  Stats stats = stage.groups->stats(stage.now).at("ivr");
  CHECK(stats.members == 2);
  CHECK(stats.calls == 3);
  CHECK(stats.offers == 3);
  CHECK(stats.oldest_offer == 500ms);
  CHECK(stage.accept(2, "c1"));
  for (const char* call : {"c2", "c3"}) CHECK(stage.accept(1, call));
  stage.disconnect(1);
  stats = stage.groups->stats(stage.now).at("ivr");
  CHECK(stats.calls == 1);
  CHECK(stats.waiting == 2);
  CHECK(stats.oldest_offer == 0ms);
  stage.join(3);
  CHECK(stage.groups->stats(stage.now).at("ivr").takeovers == 2);
}
