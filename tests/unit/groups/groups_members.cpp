// Members that come, go, hang, drain, hand over and originate.
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

TEST_CASE("the calls of an unnamed member are offered to others when its connection ends") {
  Stage stage({ivr()});
  for (Connection connection = 1; connection <= 10; ++connection) stage.join(connection);
  for (int i = 0; i < 1000; ++i) {
    stage.enter("c" + std::to_string(i));
    for (Connection connection = 1; connection <= 10; ++connection)
      stage.command(connection, "c" + std::to_string(i));
  }
  const std::string dead = stage.groups->member_of(3)->second;
  CHECK(stage.groups->calls_of(3).size() == 100);
  const uint64_t before = stage.seq();
  stage.news().clear();
  stage.disconnect(3);
  // All at once: 100 times released and assigned, one after the other.
  CHECK(stage.seq() == before + 200);
  for (Connection connection = 1; connection <= 10; ++connection) {
    const size_t calls = stage.groups->calls_of(connection).size();
    CHECK((connection == 3 ? calls == 0 : calls == 111 || calls == 112));
  }
  for (int i = 0; i < 1000; ++i) CHECK_FALSE(stage.owner("c" + std::to_string(i)).empty());
  CHECK(stage.news().back().ends_with(": taken_over after " + dead));
}

TEST_CASE("a named member keeps its calls if it comes back within its grace") {
  Stage stage({ivr()});
  stage.join(1, "w1");
  stage.enter("c1");
  stage.command(1, "c1");
  stage.join(2, "w2");
  const uint64_t epoch = stage.call("c1")->epoch;
  stage.disconnect(1);
  stage.enter("c2");
  CHECK(stage.owner("c2") == "w2");
  stage.pass(1999ms);
  stage.join(3, "w1");
  stage.pass(1h);
  CHECK(stage.owner("c1") == "w1");
  CHECK_FALSE(stage.check(3, "c1", epoch));
  CHECK(stage.check(1, "c1") == std::nullopt);  // no member any more: a program outside the group
  stage.disconnect(3);
  stage.pass(2000ms);
  CHECK(stage.owner("c1") == "w2");
}

TEST_CASE("without grace the calls of a named member go at once") {
  Stage stage({ivr_with([](Settings& settings) { settings.grace.reset(); })});
  stage.join(1, "w1");
  stage.enter("c1");
  stage.join(2, "w2");
  stage.disconnect(1);
  CHECK(stage.owner("c1") == "w2");
}

TEST_CASE("a member that is silent for longer than its lease loses its calls, without grace") {
  Stage stage({ivr_with([](Settings& settings) { settings.lease = 1s; })});
  stage.join(1, "w1");
  stage.enter("c1");
  stage.command(1, "c1");
  stage.join(2, "w2");
  for (int i = 0; i < 5; ++i) {
    stage.pass(900ms);
    stage.alive(1);
    stage.alive(2);
  }
  stage.news().clear();
  stage.pass(500ms);
  stage.alive(2);
  stage.pass(499ms);
  CHECK(stage.owner("c1") == "w1");
  stage.pass(1ms);
  CHECK(stage.news() ==
        std::vector<std::string>{"released c1 from w1: lease", "assigned c1 to w2: taken_over after w1"});
  stage.alive(2);
  stage.enter("c2");
  CHECK(stage.owner("c2") == "w2");  // w1 is not asked
  stage.alive(1);
  stage.enter("c3");
  CHECK(stage.owner("c3") == "w1");
}

TEST_CASE("of two connections with the same member name the newer one wins") {
  Stage stage({ivr()});
  stage.join(1, "w1");
  stage.enter("c1");
  stage.join(2, "w1");
  CHECK(stage.closed == std::vector<Connection>{1});
  CHECK(stage.owner("c1") == "w1");
  CHECK_FALSE(stage.check(2, "c1"));
  stage.disconnect(1);
  CHECK(stage.owner("c1") == "w1");
  CHECK(stage.groups->stats(stage.now).at("ivr").members == 1);
}

TEST_CASE("what a member originates stays with it, and may be more than its capacity") {
  Stage stage({ivr()});
  stage.join(1, "w1", 1);
  stage.join(2, "w2", 1);
  for (int i = 0; i < 1000; ++i) {
    stage.groups->originating(1, "pbx1", "channel" + std::to_string(i));
  }
  stage.groups->not_originated("pbx1", "channel0");
  for (int i = 0; i < 1000; ++i) {
    const std::string call = "c" + std::to_string(i);
    stage.start_call(call, "channel" + std::to_string(i));
    if (i > 0) stage.enter(call);
  }
  CHECK(stage.call("c0") == nullptr);
  stage.enter("c0");
  CHECK(stage.owner("c0") == "w2");
  stage.pass(1h);
  CHECK(stage.groups->calls_of(1).size() == 999);
}

TEST_CASE("an originate whose member is gone when the call begins goes to another") {
  Stage stage({ivr()});
  stage.join(1, "w1");
  stage.join(2, "w2");
  stage.groups->originating(1, "pbx1", "channel");
  stage.disconnect(1);
  stage.start_call("c1", "channel");
  CHECK(stage.news() == std::vector<std::string>{"assigned c1 to w2: taken_over after w1"});
}

TEST_CASE("draining affects no call, and the member has left when its last call has ended") {
  Stage stage({ivr()});
  stage.join(1, "w1");
  stage.enter("c1");
  stage.enter("c2");
  stage.accept(1, "c1");
  stage.join(2, "w2");
  stage.leave(1, true);
  stage.enter("c3");
  CHECK(stage.owner("c3") == "w2");
  CHECK(stage.owner("c1") == "w1");
  CHECK(stage.accept(1, "c2"));
  stage.pass(1h);
  stage.end("c1");
  CHECK(stage.left.empty());
  stage.end("c2");
  CHECK(stage.left == std::vector<Connection>{1});
  CHECK_FALSE(stage.groups->member_of(1));
}

TEST_CASE("a member that drains for too long leaves its calls to others; one without calls leaves at once") {
  Stage stage({ivr()});
  stage.join(1, "w1");
  stage.enter("c1");
  stage.accept(1, "c1");
  stage.join(2, "w2");
  stage.leave(1, true, 30s);
  stage.pass(29'999ms);
  CHECK(stage.owner("c1") == "w1");
  stage.pass(1ms);
  CHECK(stage.owner("c1") == "w2");
  CHECK(stage.left == std::vector<Connection>{1});
  stage.join(3, "w3");
  stage.leave(3, true);
  CHECK(stage.left == std::vector<Connection>{1, 3});
}

TEST_CASE("a member that leaves gives its calls to others; another subscribe is a leave") {
  Stage stage({ivr()});
  stage.join(1, "w1");
  stage.enter("c1");
  stage.join(2, "w2");
  stage.join(1, "w3");
  CHECK(stage.owner("c1") == "w2");
  stage.join(1, "w3", 1);  // the same member: it stays
  stage.enter("c2");
  stage.enter("c3");
  CHECK(stage.owner("c2") == "w3");
  CHECK(stage.owner("c3") == "w2");
  stage.join(1, "w3", 2);
  CHECK(stage.owner("c2") == "w3");
  stage.leave(1);
  CHECK(stage.owner("c2") == "w2");
}

TEST_CASE("a call is handed over to a member by name, though it is full, and only to one that takes calls") {
  Stage stage({ivr()});
  stage.join(1, "w1");
  stage.join(2, "w2", 0);
  stage.enter("c1");
  stage.accept(1, "c1");
  stage.news().clear();
  CHECK(stage.hand_over(1, "c1", "w9") == "the group has no member 'w9' at present");
  CHECK(stage.hand_over(1, "c1", "w1") == "the call is this member's already");
  CHECK(stage.hand_over(2, "c1", "w1") == "the call is not one of this member's");
  CHECK(stage.hand_over(1, "c1", "w2").empty());
  CHECK(stage.news() == std::vector<std::string>{"released c1 from w1: handed_over",
                                                 "assigned c1 to w2: handed_over after w1"});
  stage.pass(2s);  // not accepted
  CHECK(stage.news() == std::vector<std::string>{"released c1 from w2: unanswered",
                                                 "assigned c1 to w1: taken_over after w2"});
  stage.leave(2, true);
  CHECK(stage.hand_over(1, "c1", "w2") == "the group has no member 'w2' at present");
}
