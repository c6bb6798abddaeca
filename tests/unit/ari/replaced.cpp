// What is done about an application that another client took.
#include "ari/replaced.h"

#include <map>

#include "tests/catch.h"
#include "tests/unit/ari/listening.h"

using namespace aribus;
using namespace aribus::test;

namespace {

struct Stage {
  explicit Stage(OnReplaced policy)
      : replaced(
            loop,
            {policy,
             Milliseconds(20),
             {Milliseconds(200), Milliseconds(800), Milliseconds(100'000), Milliseconds(800)}},
            [this](const std::string& app, const std::function<void(bool)>& answer) { answer(known[app]); },
            [this] { ++taken_back; }) {
    for (const char* app : {"a", "b"}) known[app] = true;
    replaced.connected();
  }
  bool takes_back(int times, int within_ms) {
    return pump(
        loop, [&] { return taken_back == times; }, Milliseconds(within_ms));
  }

  Loop loop;
  std::map<std::string, bool> known;
  int taken_back = 0;
  Replaced replaced;
};

}  // namespace

TEST_CASE("an application that another client holds is left to it") {
  Stage stage(OnReplaced::report);
  CHECK(stage.replaced.taken("a"));
  CHECK_FALSE(stage.replaced.taken("a"));
  CHECK(stage.replaced.apps() == std::set<std::string>{"a"});
  CHECK_FALSE(stage.takes_back(1, 150));
}

TEST_CASE("applications that nobody holds any more are taken back, but not from whom holds another") {
  Stage stage(OnReplaced::report);
  stage.replaced.taken("a");
  stage.replaced.taken("b");
  stage.known["a"] = false;
  CHECK_FALSE(stage.takes_back(1, 150));
  stage.known["b"] = false;
  CHECK(stage.takes_back(1, 1000));
  stage.replaced.connected();
  CHECK(stage.replaced.apps().empty());
  CHECK_FALSE(stage.takes_back(2, 100));
}

TEST_CASE("an application is reclaimed at once, and then not so soon again") {
  Stage stage(OnReplaced::reclaim);
  stage.replaced.taken("a");
  REQUIRE(stage.takes_back(1, 100));
  stage.replaced.disconnected();
  CHECK_FALSE(stage.replaced.taken("a"));
  stage.replaced.connected();
  stage.replaced.taken("a");
  CHECK_FALSE(stage.takes_back(2, 90));  // 100 to 200 ms
  REQUIRE(stage.takes_back(2, 1000));
  stage.replaced.connected();
  stage.replaced.taken("a");
  CHECK_FALSE(stage.takes_back(3, 190));  // 200 to 400 ms
  REQUIRE(stage.takes_back(3, 1000));
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
