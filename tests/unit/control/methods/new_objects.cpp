#include "control/methods/new_objects.h"

#include "tests/unit/control/methods/waiting_stage.h"

using namespace aribus;
using namespace aribus::test;
using namespace aribus::control;
using namespace aribus::pbx;

TEST_CASE("what was made is told of, if no event has done so by the time of the answer") {
  WaitingStage stage;
  std::vector<record::Record> told;
  stage.server.on_record = [&](const record::Record& record) {
    if (record.type.starts_with("state.")) told.push_back(record);
  };
  const auto& model = stage.server.model();
  stage.event(channel_event("StasisStart", earlier));

  stage.call("play", R"({"channelId":"c1","media":"sound:x","playbackId":"p1"})");
  stage.respond(201, playback("p1", "queued"));
  REQUIRE(told.size() == 1);
  CHECK(told[0].type == "state.changed");
  CHECK(told[0].app == "demo");
  CHECK(told[0].ids.contains(record::IdKind::playback, "p1"));
  CHECK(model.find(record::IdKind::playback, "p1") != nullptr);

  stage.call("play", R"({"channelId":"c1","media":"sound:x","playbackId":"m1"})");
  stage.event(media_event("PlaybackStarted", "sound:x", "playback"));
  stage.respond(201, playback("m1", "queued"));
  CHECK(told.size() == 1);  // the event came first

  stage.call("play", R"({"channelId":"unknown","media":"sound:x","playbackId":"p3"})");
  stage.respond(201, playback("p3", "queued"));
  CHECK(told.size() == 1);  // nothing is heard of it

  const auto bridge =
      R"({"id":"b1","bridge_type":"mixing","channels":[],"creationtime":"2026-11-22T21:46:17.690+0000"})";
  stage.call("bridges.createWithId", R"({"bridgeId":"b1","type":"mixing"})");
  stage.respond(200, bridge);
  REQUIRE(told.size() == 2);
  CHECK(model.find(record::IdKind::bridge, "b1") != nullptr);
  CHECK_FALSE(stage.answer);  // it is answered when the events of the bridge will come
  REQUIRE(test::pump(stage.loop, [&] { return !stage.waiting.empty(); }));
  CHECK(stage.asterisk.requests.back().starts_with("POST /ari/applications/demo/subscription "));
  CHECK(stage.asterisk.requests.back().ends_with(R"({"eventSource":["bridge:b1"]})"));
  stage.respond(
      200, R"({"name":"demo","channel_ids":[],"bridge_ids":["b1"],"endpoint_ids":[],"device_names":[]})");
  REQUIRE(stage.answer);
  CHECK(json(**stage.answer)["id"] == "b1");

  // A channel entered it before Asterisk answered; it is asked for all the same.
  const auto with_channel =
      R"({"id":"b3","bridge_type":"mixing","channels":["c1"],"creationtime":"2026-11-22T21:46:18.000+0000"})";
  stage.call("bridges.createWithId", R"({"bridgeId":"b3","type":"mixing"})");
  stage.event(R"({"type":"BridgeCreated","application":"demo","bridge":)" + std::string(with_channel) + "}");
  stage.respond(200, with_channel);
  CHECK(told.size() == 2);
  REQUIRE(test::pump(stage.loop, [&] { return !stage.waiting.empty(); }));
  CHECK(stage.asterisk.requests.back().ends_with(R"({"eventSource":["bridge:b3"]})"));
  stage.respond(404, R"({"message":"Application not found"})");
  REQUIRE(stage.answer);
  CHECK(told.size() == 2);  // that says nothing of the bridge

  // It ended before it could be asked for.
  stage.call("ari.request", R"({"method":"POST","path":"/bridges/b2"})");
  stage.respond(
      200,
      R"({"id":"b2","bridge_type":"mixing","channels":[],"creationtime":"2026-11-22T21:46:17.690+0000"})");
  stage.respond(422, R"({"message":"Event source does not exist"})");
  REQUIRE(stage.answer);
  CHECK(stage.answer->ok());
  CHECK(told.back().type == "state.gone");
  CHECK(model.find(record::IdKind::bridge, "b2") == nullptr);
}
