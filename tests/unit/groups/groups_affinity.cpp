// Calls with the same key.
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
