// What is shown of an Asterisk, and logged.
#include "pbx/condition.h"
#include "tests/unit/pbx/server_stage.h"

using namespace aribus;
using aribus::pbx::Condition;
using aribus::pbx::State;
using aribus::test::LogLines;
using aribus::test::ServerStage;

TEST_CASE("each change of the state or the reason is reported, and nothing else") {
  int changes = 0;
  Condition condition("pbx1", "first", WallTime{}, [&] { ++changes; });
  CHECK(condition.state() == State::connecting);
  CHECK_FALSE(condition.is_connected());
  condition.become(State::connecting, "first");
  CHECK(changes == 0);
  condition.become(State::down, "first");
  CHECK(changes == 1);
  condition.become(State::down, "second");
  CHECK(changes == 2);
  CHECK(condition.reason() == "second");
  condition.become(State::down, "second");
  CHECK(changes == 2);
  for (const State state : {State::syncing, State::ready, State::replaced}) {
    condition.become(state);
    CHECK(condition.is_connected());
  }
  CHECK(changes == 5);
  condition.leave();
  CHECK(condition.state() == State::leaving);
  CHECK(condition.is_connected());
}

TEST_CASE("the same failure is logged as a warning once, until there was a connection") {
  LogLines log;
  Condition condition("pbx1", "", WallTime{}, [] {});
  const ari::ClientOptions options;
  for (const char* reason : {"refused", "timed out", "refused", "timed out"}) {
    condition.log_failure(reason, Milliseconds(5), options);
  }
  CHECK(log.with("warning pbx1: refused. aribusd keeps retrying").size() == 1);
  CHECK(log.with("warning pbx1: timed out.").size() == 1);
  condition.forget_failures();
  condition.log_failure("refused", Milliseconds(5), options);
  CHECK(log.with("warning pbx1: refused.").size() == 2);
  condition.become(State::syncing);
  condition.become_unread("/channels fails");
  condition.become_unread("/channels fails");
  CHECK(log.with("warning pbx1: its live objects could not be read, as /channels fails").size() == 1);
  CHECK(condition.state() == State::syncing);
  CHECK(condition.reason() == "its live objects could not be read, as /channels fails");
  for (int i = 0; i < 100; ++i) condition.log_failure(std::to_string(i), Milliseconds(5), options);
  CHECK(log.with("warning pbx1: ").size() < 30);
}

TEST_CASE("an Asterisk that refuses the event stream is reported once, with its reason") {
  ServerStage stage;
  stage.refuses_events = true;
  CHECK_FALSE(stage.server->was_tried());
  CHECK(stage.server->condition().reason() == "the first attempt to connect is under way");
  stage.server->connect();
  REQUIRE(stage.until([&] { return stage.server->failures() >= 4; }));
  CHECK(stage.server->was_tried());
  CHECK(stage.server->state() == State::down);
  CHECK_FALSE(stage.server->condition().reason().empty());
  // Another one may be about who listens at its port, where the kernel can't say that.
  CHECK(stage.log.with("warning pbx1: at http").size() == 1);
  CHECK(stage.changes == 1);
  CHECK(stage.records.empty());
}

TEST_CASE("a connection is shown since it began, and its end since that") {
  ServerStage stage;
  const WallTime made = stage.now;
  stage.now += Milliseconds(1000);
  stage.server->connect();
  CHECK(stage.server->condition().since() == made);
  REQUIRE(stage.until([&] { return stage.server->state() == State::ready; }));
  CHECK(stage.server->condition().since() == made + Milliseconds(1000));
  CHECK(stage.server->condition().reason().empty());
  CHECK(stage.changes == 2);  // syncing, ready
  stage.now += Milliseconds(1000);
  stage.refuses_events = true;
  stage.asterisk.websocket()->reset();
  REQUIRE(stage.until([&] { return stage.server->state() == State::down; }));
  CHECK(stage.server->condition().since() == made + Milliseconds(2000));
  stage.now += Milliseconds(4000);
  stage.refuses_events = false;
  REQUIRE(stage.until([&] { return stage.server->state() == State::ready; }));
  CHECK(stage.server->condition().since() == made + Milliseconds(6000));
  CHECK(stage.log.with("connected to Asterisk 22.10.1 at ").size() == 2);
  CHECK(stage.log.with("again, after 4 s").size() == 1);
}
