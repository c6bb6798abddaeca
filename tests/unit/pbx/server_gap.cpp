// Events that may have been missed.
#include "tests/unit/pbx/server_stage.h"

using namespace aribus;
using aribus::pbx::Gap;
using aribus::pbx::State;
using aribus::test::ServerStage;

namespace {

// As it is read from the log. `fields`: its members, each with a comma in front.
record::Record recalled(const std::string& type, WallTime time, const std::string& fields = {}) {
  static JsonTape tape;
  record::Record written = test::record_of(type, "pbx1", "");
  written.time = time;
  written.fields = fields;
  record::Record record;
  REQUIRE(record::read_text(tape, test::record_text(written, 1), record));
  return record;
}

}  // namespace

TEST_CASE("nothing was missed before the first connection") {
  ServerStage stage;
  stage.server->connect();
  REQUIRE(stage.until([&] { return stage.server->state() == State::ready; }));
  CHECK(stage.told() == "server.connected server.resynced");
}

TEST_CASE("a lost connection leaves a gap, from the last byte to the next connection") {
  ServerStage stage;
  stage.connect();
  const WallTime lost = stage.now;
  const Milliseconds began = stage.loop.now();
  stage.asterisk.websocket()->reset();
  REQUIRE(stage.until([&] { return !stage.server->is_connected(); }));
  const Milliseconds silence = stage.loop.now() - began;
  stage.now += Milliseconds(5000);
  REQUIRE(stage.until([&] { return stage.server->state() == State::ready; }));
  CHECK(stage.told() == "server.disconnected server.connected server.gap server.resynced");
  const auto from = parse_time(stage.field("server.gap", "from"));
  REQUIRE(from);
  CHECK(*from <= lost - Gap::travel_time);
  CHECK(*from >= lost - Gap::travel_time - silence - Milliseconds(5000));  // of connect()
  CHECK(stage.field("server.gap", "to") == to_rfc3339(lost + Milliseconds(5000)));
  CHECK(stage.field("server.gap", "reason") == stage.field("server.disconnected", "reason"));
  CHECK_FALSE(stage.field("server.gap", "reason").empty());
}

TEST_CASE("the reason of a gap is its first one, however often connecting fails") {
  ServerStage stage;
  stage.connect();
  stage.refuses_events = true;
  stage.asterisk.websocket()->reset();
  REQUIRE(stage.until([&] { return stage.server->failures() >= 3; }));
  const std::string reason = stage.field("server.disconnected", "reason");
  CHECK(stage.told() == "server.disconnected");
  stage.refuses_events = false;
  REQUIRE(stage.until([&] { return stage.server->state() == State::ready; }));
  CHECK(stage.field("server.gap", "reason") == reason);
}

TEST_CASE("objects that only an earlier process knew are ended") {
  ServerStage stage;
  const std::string start = test::stasis_start("c1");
  stage.server->recall(test::read_event(start, start.size(), "pbx1", stage.now), 1, stage.now);
  stage.server->recalled();
  CHECK(stage.server->model().find(state::IdKind::channel, "c1") != nullptr);
  stage.connect();
  CHECK(stage.server->model().find(state::IdKind::channel, "c1") == nullptr);
}

TEST_CASE("the gap after an earlier process is told with its times") {
  ServerStage stage;
  const WallTime last = stage.now - Milliseconds(60'000);
  stage.server->recall(recalled("state.changed", last), 1, stage.now);
  stage.server->recalled();
  stage.server->connect();
  REQUIRE(stage.until([&] { return stage.server->state() == State::ready; }));
  CHECK(stage.field("server.gap", "from") == to_rfc3339(last - Gap::travel_time));
  CHECK(stage.field("server.gap", "to") == to_rfc3339(stage.now));
  CHECK(stage.field("server.gap", "reason") == "aribusd was not running");
}

TEST_CASE("a recalled record from the future counts as of the start") {
  state::Model model;
  Gap gap("pbx1", model);
  const WallTime started{Milliseconds(1'795'000'000'000)};
  gap.recall(recalled("state.changed", started + Milliseconds(3'600'000)), started);
  gap.recalled();
  const auto missed = gap.end(false, false);
  REQUIRE(missed);
  CHECK(missed->from == started - Gap::travel_time);
}

TEST_CASE("there is no gap when the event stream continues") {
  state::Model model;
  Gap gap("pbx1", model);
  const WallTime now{Milliseconds(1'795'000'000'000)};
  gap.miss("it was lost", now, Milliseconds(300));
  CHECK_FALSE(gap.end(true, false));
  CHECK_FALSE(gap.end(false, false));  // it is over
  gap.miss("it was lost", now, Milliseconds(300));
  gap.miss("again", now + Milliseconds(9), Milliseconds(0));
  const auto missed = gap.end(false, false);
  REQUIRE(missed);
  CHECK(missed->from == now - Milliseconds(1300));
  CHECK(missed->reason == "it was lost");
}

TEST_CASE("the end of an earlier process is known from its last records") {
  state::Model model;
  Gap gap("pbx1", model);
  const WallTime now{Milliseconds(1'795'000'000'000)};
  const std::string startup = R"(,"startup_time":"2026-11-22T21:00:00.000Z")";
  gap.recall(recalled("server.connected", now, startup), now);
  CHECK(gap.ended_at().empty());
  gap.recall(recalled("server.disconnected", now, startup), now);
  CHECK(gap.ended_at() == "2026-11-22T21:00:00.000Z");
  gap.recall(recalled("state.changed", now), now);
  CHECK(gap.ended_at() == "2026-11-22T21:00:00.000Z");
  const Gap::Found same = gap.connected({"22.10.1", "2026-11-22T21:00:00.000Z", {}});
  CHECK_FALSE(same.is_first);
  CHECK_FALSE(same.restarted);
  CHECK(gap.connected({"22.10.1", "2026-11-22T22:00:00.000Z", {}}).restarted);
  gap.recall(recalled("server.disconnected", now), now);
  CHECK(gap.ended_at().empty());
  gap.forget_asterisk();
  CHECK(gap.connected({"22.10.1", "2026-11-22T23:00:00.000Z", {}}).is_first);
}

TEST_CASE("channels that ended in a gap are counted in the log, unless Asterisk was restarted") {
  ServerStage stage;
  stage.connect();
  stage.asterisk.websocket()->text(test::stasis_start("c1"));
  REQUIRE(stage.until([&] { return stage.records.size() == 1; }));
  stage.asterisk.websocket()->reset();
  REQUIRE(stage.until([&] { return stage.told().ends_with("server.resynced"); }));
  CHECK(stage.log.with("of the 1 channels before the gap 1 have ended").size() == 1);
}
