// Calls that nobody takes.
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

TEST_CASE("a new call falls back in time, also where there never was a member") {
  Stage stage({ivr()});
  stage.enter("c1");
  stage.pass(4999ms);
  CHECK(stage.falling_back.empty());
  stage.pass(1ms);
  CHECK(stage.news() == std::vector<std::string>{"released c1: fallback", "fallback c1"});
  stage.join(1, "w1");
  CHECK(stage.check(1, "c1"));
  stage.leave_app("c1");
  CHECK_FALSE(stage.check(1, "c1"));
  stage.end("c1");
  CHECK(stage.groups->stats(stage.now).at("ivr").fallbacks == 1);
}

TEST_CASE("a call in a bridge with another live channel does not fall back until it is out of it") {
  Stage stage({ivr()});
  stage.enter("c1");
  stage.bridged.insert("c1");
  stage.pass(10s);
  CHECK(stage.falling_back.empty());
  stage.bridged.clear();
  stage.pass(1s);
  CHECK(stage.falling_back.size() == 1);
}

TEST_CASE("without a fallback a new call waits for a member") {
  Stage stage({ivr_with([](Settings& settings) { settings.fallback = Fallback::none; })});
  stage.enter("c1");
  stage.pass(1h);
  stage.join(1, "w1");
  CHECK(stage.owner("c1") == "w1");
}

TEST_CASE("an accepted call that nobody takes over is kept, or falls back after orphan_after") {
  for (const Orphan orphan : {Orphan::keep, Orphan::fallback}) {
    Stage stage({ivr_with([&](Settings& settings) {
      settings.orphan = orphan;
      settings.orphan_after = 30s;
    })});
    stage.join(1);
    stage.enter("c1");
    stage.accept(1, "c1");
    stage.disconnect(1);
    stage.join(2, "deaf");  // is offered the call three times
    stage.pass(29'999ms);
    CHECK(stage.falling_back.empty());
    stage.bridged.insert("c1");
    stage.pass(1ms);
    CHECK(stage.falling_back.empty());
    stage.bridged.clear();
    stage.pass(1h);
    CHECK(stage.falling_back.size() == (orphan == Orphan::fallback ? 1 : 0));
    stage.join(3, "w3");
    CHECK(stage.owner("c1") == (orphan == Orphan::keep ? "w3" : ""));
  }
}

TEST_CASE(
    "a fallback that could not be carried out is tried again, but not with a call that is in a bridge by "
    "then") {
  Stage stage({ivr()});
  stage.enter("c1");
  stage.pass(5s);
  CHECK(stage.news() == std::vector<std::string>{"released c1: fallback", "fallback c1"});
  stage.pass(1h);
  CHECK(stage.news().empty());
  stage.groups->fallback_failed("ivr", "c1", stage.now);
  stage.groups->fallback_failed("ivr", "unknown", stage.now);
  stage.groups->fallback_failed("unknown", "c1", stage.now);
  stage.pass(999ms);
  CHECK(stage.news().empty());
  stage.bridged.insert("c1");
  stage.pass(10s);
  CHECK(stage.news().empty());
  stage.bridged.clear();
  stage.pass(1s);
  CHECK(stage.news() == std::vector<std::string>{"fallback c1"});
  CHECK(stage.groups->stats(stage.now).at("ivr").fallbacks == 1);
  stage.retry_fallbacks("pbx1");  // that is under way
  CHECK(stage.news().empty());
  stage.groups->fallback_failed("ivr", "c1", stage.now);
  stage.retry_fallbacks("pbx2");
  CHECK(stage.news().empty());
  stage.retry_fallbacks("pbx1");
  CHECK(stage.news() == std::vector<std::string>{"fallback c1"});
  stage.groups->fallback_failed("ivr", "c1", stage.now);
  stage.end("c1");
  stage.pass(10s);
  CHECK(stage.news().empty());
}

TEST_CASE("a call stays with its owner while a channel of it is in another application of the group") {
  Stage stage({ivr_with([](Settings& settings) { settings.apps = {"demo", "queue"}; })});
  stage.join(1, "w1");
  stage.enter("c1");
  stage.accept(1, "c1");
  stage.leave_app("c1", "demo", {"foreign", "queue"});
  CHECK(stage.owner("c1") == "w1");
  CHECK(stage.call("c1")->app == "queue");
  stage.leave_app("c1", "demo", {});  // that is over already
  CHECK(stage.owner("c1") == "w1");
  stage.restart(true);
  CHECK(stage.owner("c1") == "w1");
  CHECK(stage.call("c1")->app == "queue");
  stage.leave_app("c1", "queue", {"foreign"});
  CHECK(stage.call("c1")->state == CallState::left);
}

TEST_CASE("calls that were accepted before go before new ones when a member has room") {
  Stage stage({ivr_with([](Settings& settings) { settings.fallback = Fallback::none; })});
  stage.join(1);
  stage.enter("c1");
  stage.accept(1, "c1");
  stage.disconnect(1);
  stage.enter("c0");
  stage.join(2, "w2", 1);
  CHECK(stage.owner("c1") == "w2");
  CHECK(stage.owner("c0").empty());
}

TEST_CASE("a call that leaves the application and comes back is a new one, with a higher epoch") {
  Stage stage({ivr()});
  stage.join(1, "w1");
  stage.enter("c1");
  stage.accept(1, "c1");
  const uint64_t epoch = stage.call("c1")->epoch;
  stage.leave_app("c1", "other");
  CHECK(stage.owner("c1") == "w1");
  stage.leave_app("c1");
  CHECK(stage.owner("c1").empty());
  CHECK_FALSE(stage.check(1, "c1"));
  stage.enter("c1");
  CHECK(stage.owner("c1") == "w1");
  CHECK(stage.call("c1")->epoch > epoch);
  CHECK(stage.call("c1")->state == CallState::offered);
  stage.end("c1");
  CHECK(stage.call("c1") == nullptr);
}
