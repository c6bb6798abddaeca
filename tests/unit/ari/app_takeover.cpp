// What is done about an application that another client took.
#include "ari/app_takeover.h"

#include <map>

#include "tests/catch.h"
#include "tests/unit/net/listening.h"

using namespace aribus;
using namespace aribus::test;

namespace {

struct TakeoverStage {
  explicit TakeoverStage(OnReplaced policy)
      : takeover(
            loop,
            {policy,
             Milliseconds(20),
             {Milliseconds(200), Milliseconds(800), Milliseconds(100'000), Milliseconds(800)}},
            [this](const std::string& app, const std::function<void(bool)>& answer) { answer(known[app]); },
            [this] { ++taken_back; }) {
    for (const char* app : {"a", "b"}) known[app] = true;
    takeover.connected();
  }
  // Whether it does not take them back for the `times`-th time within `ms`, which is long enough to see a
  // fault.
  bool leaves_them(int times, int ms) {
    pump_for(loop, Milliseconds(ms));
    return taken_back < times;
  }
  // Waits until it takes them back for the `times`-th time, and returns after how many milliseconds.
  int64_t takes_back_after(int times) {
    const Milliseconds began = loop.now();
    REQUIRE(pump(loop, [&] { return taken_back == times; }));
    uv_update_time(loop.raw());
    return (loop.now() - began).count();
  }

  Loop loop;
  std::map<std::string, bool> known;
  int taken_back = 0;
  AppTakeover takeover;
};

}  // namespace

TEST_CASE("an application that another client holds is left to it") {
  TakeoverStage stage(OnReplaced::report);
  CHECK(stage.takeover.taken("a"));
  CHECK_FALSE(stage.takeover.taken("a"));
  CHECK(stage.takeover.apps() == std::set<std::string>{"a"});
  CHECK(stage.leaves_them(1, 150));
}

TEST_CASE("applications that nobody holds any more are taken back, but not from whom holds another") {
  TakeoverStage stage(OnReplaced::report);
  stage.takeover.taken("a");
  stage.takeover.taken("b");
  stage.known["a"] = false;
  CHECK(stage.leaves_them(1, 150));
  stage.known["b"] = false;
  stage.takes_back_after(1);
  stage.takeover.connected();
  CHECK(stage.takeover.apps().empty());
  CHECK(stage.leaves_them(2, 100));
}

TEST_CASE("an application is reclaimed at once, and then not so soon again") {
  TakeoverStage stage(OnReplaced::reclaim);
  stage.takeover.taken("a");
  stage.takes_back_after(1);
  stage.takeover.disconnected();
  CHECK_FALSE(stage.takeover.taken("a"));
  stage.takeover.connected();
  stage.takeover.taken("a");
  CHECK(stage.takes_back_after(2) >= 100);  // to 200 ms
  stage.takeover.connected();
  stage.takeover.taken("a");
  CHECK(stage.takes_back_after(3) >= 200);  // to 400 ms
}

TEST_CASE("a client takes its applications back by connecting anew, for all of them") {
  Loop loop;
  FakeAsterisk asterisk(loop, behave_well);
  Listening listening(loop, asterisk.url(),
                      [](ClientOptions& options) { options.on_replaced = OnReplaced::reclaim; });
  REQUIRE(connect(loop, *listening.client).ok());
  CHECK_FALSE(listening.client->replaced("nobody's"));
  CHECK(listening.client->replaced("other"));
  CHECK_FALSE(listening.client->replaced("other"));
  CHECK(listening.client->replaced_apps() == std::set<std::string>{"other"});
  REQUIRE(pump(loop, [&] { return listening.connected.size() == 2; }));
  CHECK(listening.client->replaced_apps().empty());
  REQUIRE(listening.disconnected.size() == 1);
  CHECK(listening.disconnected[0] == "taking the applications back");
  CHECK(asterisk.count("GET /ari/events?app=demo%2Cother") == 2);
}
