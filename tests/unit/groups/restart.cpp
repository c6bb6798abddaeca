// The daemon is started again: with its log, and without it.
#include <string>
#include <vector>

#include "groups/groups.h"
#include "tests/catch.h"
#include "tests/unit/groups/stage.h"

using namespace aribus;
using namespace aribus::groups;
using namespace aribus::test;
using namespace std::chrono_literals;

namespace {

using News = std::vector<std::string>;

std::string join_with(Stage& stage, Connection connection, const std::string& name, std::vector<Held> holds) {
  const auto joined =
      stage.join({.connection = connection, .group = "ivr", .member = name, .holds = std::move(holds)});
  return joined ? *joined : joined.error().message;
}

}  // namespace

TEST_CASE("all fallbacks come in time, also after a restart") {
  Stage stage({ivr()});
  stage.enter("never_offered");
  stage.pass(1s);
  stage.join(1, "deaf");
  stage.enter("offered");
  stage.pass(1s);
  stage.restart(true);
  stage.pass(2999ms);
  CHECK(stage.falling_back.empty());
  stage.pass(1ms);
  CHECK(stage.falling_back == std::set<std::pair<std::string, std::string>>{{"ivr", "never_offered"}});
  stage.pass(999ms);
  CHECK(stage.falling_back.size() == 1);
  stage.pass(1ms);
  CHECK(stage.falling_back.size() == 2);
}

TEST_CASE("a fallback that was decided is carried out after a restart, and one for which it is high time") {
  Stage stage({ivr()});
  stage.enter("c1");
  stage.pass(2s);
  stage.enter("c2");
  stage.pass(3s);
  CHECK(stage.falling_back.size() == 1);
  stage.restart(true);
  CHECK(stage.falling_back == std::set<std::pair<std::string, std::string>>{{"ivr", "c1"}});
  stage.now += 10s;
  stage.restart(true);
  CHECK(stage.falling_back.size() == 2);
}

TEST_CASE("after a restart with its log a named member keeps its calls if it comes back in time") {
  Stage stage({ivr()});
  stage.join(1, "w1");
  stage.enter("c1");
  stage.accept(1, "c1");
  stage.join(2, "w2");
  stage.enter("c2");
  stage.accept(2, "c2");
  const uint64_t epoch = stage.call("c1")->epoch;
  stage.restart(true);
  stage.news().clear();
  stage.join(1, "w1");
  CHECK_FALSE(stage.check(1, "c1", epoch));
  stage.pass(1999ms);
  CHECK(stage.owner("c2") == "w2");
  stage.pass(1ms);
  CHECK(stage.owner("c2") == "w1");
  CHECK(stage.call("c2")->epoch > epoch);
  CHECK(stage.falling_back.empty());
}

TEST_CASE("after a restart with its log an unnamed member says what it holds") {
  Stage stage({ivr()});
  const std::string before = stage.join(1);
  stage.enter("c1");
  stage.accept(1, "c1");
  const uint64_t epoch = stage.call("c1")->epoch;
  stage.restart(true);
  stage.now += 1ms;
  (void)stage.news();
  const std::string after = join_with(stage, 1, "", {{"c1", epoch}});
  CHECK(after != before);
  CHECK(stage.news() == News{"released c1 from " + before + ": displaced",
                             "assigned c1 to " + after + ": held after " + before});
  CHECK(stage.call("c1")->epoch == epoch);
  CHECK(stage.call("c1")->state == CallState::accepted);
}

TEST_CASE("without a log members say for 2 s what they hold, and the highest epoch wins") {
  Stage stage({ivr()});
  const auto epoch = static_cast<uint64_t>(Stage::start_ms);
  stage.pass(10s);
  stage.restart(false);
  // Before the live calls are known, and after it.
  join_with(stage, 1, "w1", {{"c1", epoch + 1}, {"c2", epoch + 5}, {"c9", epoch}});
  stage.pass(5s);
  stage.groups->expect_holds(stage.now);
  for (const char* call : {"c1", "c2", "c3", "c4", "c5"}) stage.enter(call, "", true);
  CHECK(stage.owner("c1") == "w1");
  CHECK(stage.owner("c2") == "w1");
  stage.pass(1s);
  join_with(stage, 2, "w2", {{"c1", epoch + 2}, {"c2", epoch + 4}, {"c3", epoch + 3}, {"c4", UINT64_MAX}});
  CHECK(stage.owner("c1") == "w2");
  CHECK(stage.call("c1")->epoch == epoch + 2);
  CHECK(stage.owner("c2") == "w1");
  CHECK(stage.owner("c3") == "w2");
  CHECK(stage.owner("c4").empty());  // no daemon has ever said so
  stage.pass(999ms);
  CHECK(stage.owner("c5").empty());
  stage.pass(1ms);
  CHECK_FALSE(stage.owner("c4").empty());
  CHECK_FALSE(stage.owner("c5").empty());
  join_with(stage, 3, "w3", {{"c1", epoch + 9}});  // too late
  CHECK(stage.owner("c1") == "w2");
}

TEST_CASE("calls of which nothing is known and that nobody holds count as accepted ones") {
  Stage stage({ivr()});
  stage.enter("c1", "", true);
  stage.pass(1h);
  CHECK(stage.falling_back.empty());
  stage.join(1, "w1");
  CHECK(stage.news() == News{"assigned c1 to w1: taken_over"});
}

TEST_CASE("a group that is not configured goes on after a restart, with the settings of the first member") {
  Stage stage;
  Settings settings = ivr();
  settings.fallback = Fallback::none;
  REQUIRE(stage.join({.connection = 1, .group = "ivr", .member = "w1"}, settings));
  stage.enter("c1");
  stage.accept(1, "c1");
  stage.restart(true);
  CHECK(stage.owner("c1") == "w1");
  CHECK(stage.groups->settings("ivr") == nullptr);
  CHECK(join_with(stage, 2, "w1", {}) ==
        "there is no group 'ivr' yet: its first member gives `apps`, the applications of the group");
  REQUIRE(stage.join({.connection = 2, .group = "ivr", .member = "w1"}, settings));
  stage.enter("c2");
  CHECK(stage.owner("c2") == "w1");
  CHECK_FALSE(stage.check(2, "c1"));
}

TEST_CASE("a call that ended just before the daemon did is over after the restart") {
  Stage stage({ivr()});
  stage.join(1, "w1");
  stage.enter("c1");
  stage.accept(1, "c1");
  stage.log.push_back({stage.now, "c1", CallEnded{"c1"}});  // and not its group.released
  stage.restart(true);
  CHECK(stage.call("c1") == nullptr);
  CHECK(stage.news().back() == "released c1 from w1: ended");
  CHECK(stage.owner_at("c1", stage.seq() + 1).empty());
}

TEST_CASE(
    "members of a group that is not configured have its grace after a restart once one says how long it is") {
  const Settings patient = ivr_with([](Settings& settings) { settings.grace = 30s; });
  const auto join = [&](Stage& stage, Connection connection, const std::string& name) {
    REQUIRE(stage.join({.connection = connection, .group = "ivr", .member = name}, patient));
  };
  Stage stage;
  join(stage, 1, "w1");
  stage.enter("c1");
  stage.accept(1, "c1");
  join(stage, 2, "w2");
  stage.enter("c2");
  stage.accept(2, "c2");
  stage.restart(true);
  stage.pass(1s);
  join(stage, 3, "w1");
  stage.pass(28s);
  CHECK(stage.owner("c2") == "w2");
  stage.pass(1s);
  CHECK(stage.owner("c2") == "w1");
}

TEST_CASE("after a restart with the clock set back nothing waits for the time to come again") {
  Stage stage({ivr_with([](Settings& settings) { settings.orphan = Orphan::fallback; })});
  stage.join(1, "w1");
  stage.enter("c1");
  stage.accept(1, "c1");
  stage.disconnect(1);
  stage.pass(2s);
  stage.join(2, "w2");
  stage.decline(2, "c1");
  stage.enter("c2");
  CHECK(stage.owner("c2") == "w2");
  stage.now -= 1h;
  stage.restart(true);
  stage.pass(2s);
  CHECK(stage.owner("c2").empty());
  stage.join(3, "w2");
  CHECK(stage.owner("c1") == "w2");
  CHECK(stage.owner("c2").empty());  // it did not accept it just now
  stage.disconnect(3);
  stage.pass(40s);
  CHECK(stage.call("c1")->state == CallState::fallback);
  CHECK(stage.call("c2")->state == CallState::fallback);
}
