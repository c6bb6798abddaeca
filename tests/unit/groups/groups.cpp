// What the table of the design decides, row by row.
#include "groups/groups.h"

#include <string>
#include <vector>

#include "tests/catch.h"
#include "tests/unit/groups/stage.h"

using namespace aribus;
using namespace aribus::groups;
using namespace aribus::test;
using namespace std::chrono_literals;
using News = std::vector<std::string>;

namespace {

Settings ivr_with(const std::function<void(Settings&)>& change) {
  Settings settings = ivr();
  change(settings);
  return settings;
}

}  // namespace

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
  CHECK(stage.news() ==
        News{"assigned c1 to w1: new", "assigned c2 to w1: new", "accepted c1 by w1", "accepted c2 by w1"});
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
  CHECK(stage.news() == News{"assigned c1 to w1: new", "released c1 from w1: unanswered",
                             "assigned c1 to w2: passed_on after w1", "released c1 from w2: unanswered",
                             "assigned c1 to w1: passed_on after w2", "released c1 from w1: fallback",
                             "fallback c1"});
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
  CHECK(stage.news() == News{"released c1 from w1: lease", "assigned c1 to w2: taken_over after w1"});
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
  CHECK(stage.news() == News{"released c1: outside"});
  stage.enter("c2");
  CHECK(stage.command(9, "c2"));
  CHECK(stage.owner("c2") == "w1");
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
  CHECK(stage.news() == News{"assigned c1 to w2: taken_over after w1"});
}

TEST_CASE("calls with the same key go to the same member while one of them lives") {
  Stage stage({ivr_with([](Settings& settings) { settings.fallback_after = 5s; })});
  stage.join(1, "w1", 2);
  stage.join(2, "w2", 9);
  stage.enter("c1", "alice");
  stage.enter("c2", "bob");
  CHECK(stage.owner("c1") == "w1");
  CHECK(stage.owner("c2") == "w2");
  stage.enter("c3", "alice");
  CHECK(stage.owner("c3") == "w1");
  for (const char* call : {"c1", "c3"}) stage.accept(1, call);
  stage.accept(2, "c2");
  stage.enter("c4", "alice");
  CHECK(stage.owner("c4").empty());  // w1 is full
  stage.pass(1s);
  stage.end("c1");
  CHECK(stage.owner("c4") == "w1");
  stage.accept(1, "c4");
  stage.enter("c5", "alice");
  stage.pass(4999ms);
  CHECK(stage.owner("c5").empty());
  stage.pass(1ms);
  CHECK(stage.owner("c5") == "w2");
  stage.pass(1999ms);
  CHECK(stage.falling_back.empty());
  stage.accept(2, "c5");
  stage.pass(1h);
  CHECK(stage.owner("c5") == "w2");
  for (const char* call : {"c3", "c4", "c5"}) stage.end(call);
  stage.join(3, "w3", 9);
  stage.enter("c6", "alice");  // nobody has one any more
  CHECK(stage.owner("c6") == "w3");
}

TEST_CASE("a call that waits for a full member is free when the last call with its key has ended") {
  Stage stage({ivr()});
  stage.join(1, "w1", 1);
  stage.enter("c1", "alice");
  stage.enter("c2", "alice");
  stage.join(2, "w2");
  CHECK(stage.owner("c2").empty());
  stage.leave(1);
  CHECK(stage.owner("c1") == "w2");
  CHECK(stage.owner("c2") == "w2");
}

TEST_CASE("a call that waited for its member falls back if nobody else has room") {
  Stage stage({ivr()});
  stage.join(1, "w1", 1);
  stage.enter("c1", "alice");
  stage.accept(1, "c1");
  stage.enter("c2", "alice");
  stage.pass(5s);
  CHECK(stage.falling_back == std::set<std::pair<std::string, std::string>>{{"ivr", "c2"}});
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
  CHECK(stage.news() == News{"released c1 from w1: handed_over", "assigned c1 to w2: handed_over after w1"});
  stage.pass(2s);  // not accepted
  CHECK(stage.news() == News{"released c1 from w2: unanswered", "assigned c1 to w1: taken_over after w2"});
  stage.leave(2, true);
  CHECK(stage.hand_over(1, "c1", "w2") == "the group has no member 'w2' at present");
}

TEST_CASE("a new call falls back in time, also where there never was a member") {
  Stage stage({ivr()});
  stage.enter("c1");
  stage.pass(4999ms);
  CHECK(stage.falling_back.empty());
  stage.pass(1ms);
  CHECK(stage.news() == News{"released c1: fallback", "fallback c1"});
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
