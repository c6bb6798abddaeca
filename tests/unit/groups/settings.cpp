#include "groups/settings.h"

#include "tests/catch.h"
#include "tests/unit/groups/stage.h"

using namespace aribus;
using namespace aribus::groups;
using namespace aribus::test;
using namespace std::chrono_literals;

TEST_CASE("the defaults of a group") {
  const Settings settings;
  CHECK(settings.accept == 2s);
  CHECK(settings.grace == milliseconds(2s));
  CHECK_FALSE(settings.lease);
  CHECK(settings.fallback_after == 5s);
  CHECK(settings.fallback == Fallback::none);
  CHECK_FALSE(settings.exclusive);
  CHECK(settings.orphan == Orphan::keep);
}

TEST_CASE("settings that can't be used are refused with a reason") {
  const auto mistake = [](auto change) {
    Settings settings = ivr();
    change(settings);
    return mistake_in(settings);
  };
  CHECK(mistake([](Settings&) {}).empty());
  CHECK(mistake([](Settings& s) { s.name = ""; }) == "a group needs a name");
  CHECK(mistake([](Settings& s) { s.name = std::string(129, 'x'); }) ==
        "the name of a group has at most 128 bytes");
  CHECK(mistake([](Settings& s) { s.apps = {}; }) == "group 'ivr': `apps` names no application");
  CHECK(mistake([](Settings& s) {
          s.apps = {"", "demo"};
        }) == "group 'ivr': `apps` names an application with an empty name");
  CHECK(mistake([](Settings& s) { s.accept = 0ms; }) == "group 'ivr': `accept` must be longer than 0 s");
  CHECK(mistake([](Settings& s) { s.grace = 0ms; }) == "group 'ivr': `grace` must be longer than 0 s");
  CHECK(mistake([](Settings& s) { s.fallback = Fallback::play; }) ==
        "group 'ivr': `fallback: play` needs `fallback_media`");
  CHECK(mistake([](Settings& s) { s.fallback = Fallback::move; }) ==
        "group 'ivr': `fallback: move` needs `fallback_app`");
  CHECK(mistake([](Settings& s) { s.fallback_app = "demo"; }) ==
        "group 'ivr': `fallback_app` is an application of the group, 'demo'");
  CHECK(mistake([](Settings& s) {
          s.fallback = Fallback::none;
          s.orphan = Orphan::fallback;
        }) == "group 'ivr': `orphan: fallback` needs `fallback`");
}

TEST_CASE("a second member with other settings is refused, and told which") {
  Stage stage;
  REQUIRE(stage.join({.connection = 1, .group = "ivr"}, ivr()));
  Settings other = ivr();
  other.lease = 10s;
  auto refused = stage.join({.connection = 2, .group = "ivr"}, other);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::invalid_params);
  CHECK(refused.error().message == "the group 'ivr' has `lease: off`, not 10000 ms");
  other = ivr();
  other.apps = {"demo", "other"};
  refused = stage.join({.connection = 2, .group = "ivr"}, other);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message == "the group 'ivr' has `apps: [demo]`, not [demo, other]");
  CHECK(stage.join({.connection = 2, .group = "ivr"}, ivr()));
  CHECK(stage.join({.connection = 3, .group = "ivr"}));
}

TEST_CASE("names of members that could be those of unnamed ones are refused, and too many groups") {
  Stage stage({ivr()});
  auto refused = stage.join({.connection = 1, .group = "ivr", .member = "~1"});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message == "the name of a member does not begin with '~'");
  CHECK_FALSE(stage.join({.connection = 1, .group = "ivr", .member = std::string(129, 'x')}));
  CHECK(stage.join({.connection = 1, .group = "ivr"})->starts_with("~"));
  bool is_full = false;
  for (Connection connection = 2; connection < 2000 && !is_full; ++connection) {
    const auto joined =
        stage.join({.connection = connection, .group = "g" + std::to_string(connection)}, ivr());
    if (!joined) CHECK(joined.error().kind == ErrorKind::too_much);
    is_full = !joined;
  }
  CHECK(is_full);
}

TEST_CASE("a group that nobody has configured ends with its last member and call") {
  Stage stage;
  REQUIRE(stage.join({.connection = 1, .group = "ivr"}, ivr()));
  stage.enter("c1");
  stage.disconnect(1);
  CHECK(stage.groups->settings("ivr") != nullptr);
  stage.end("c1");
  CHECK(stage.groups->settings("ivr") == nullptr);
  stage.enter("c2");
  CHECK(stage.call("c2") == nullptr);
}

TEST_CASE("an application that is named twice is one") {
  Stage stage;
  Settings twice = ivr();
  twice.apps = {"demo", "other", "demo"};
  REQUIRE(stage.join({.connection = 1, .group = "ivr"}, twice));
  twice.apps = {"other", "demo"};
  CHECK(stage.join({.connection = 2, .group = "ivr"}, twice));
  stage.enter("c1");
  CHECK(stage.owner("c1") != "");
  stage.end("c1");
  stage.disconnect(1);
  stage.disconnect(2);
  CHECK(stage.groups->find("ivr") == nullptr);
  CHECK_FALSE(stage.groups->takes_calls_of("demo"));
}

TEST_CASE("other settings of the configuration apply at once") {
  Stage stage({ivr()});
  stage.enter("c1");
  Settings other = ivr();
  other.fallback_after = 60s;
  other.apps = {"other"};
  stage.groups->configure({other}, stage.now);
  stage.pass(59s);
  CHECK(stage.falling_back.empty());
  stage.enter("c2");
  CHECK(stage.call("c2") == nullptr);
  stage.enter("c3", "", false, "other");
  CHECK(stage.call("c3") != nullptr);
  stage.pass(1s);
  CHECK(stage.falling_back.size() == 1);
  stage.groups->configure({}, stage.now);
  CHECK(stage.groups->settings("ivr") != nullptr);  // c1 and c3 live
  for (const char* call : {"c1", "c3"}) stage.end(call);
  CHECK(stage.groups->settings("ivr") == nullptr);
}
