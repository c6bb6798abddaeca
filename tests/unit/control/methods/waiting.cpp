#include "control/methods/waiting.h"

#include "pbx/server_options.h"
#include "record/own_records.h"
#include "state/difference.h"
#include "tests/unit/control/methods/waiting_stage.h"

using namespace aribus;
using namespace aribus::test;
using namespace aribus::control;
using namespace aribus::pbx;

TEST_CASE("a waiting originate is answered when the call is") {
  WaitingStage stage;
  stage.call("originate", originate);
  stage.respond(200, R"({"id":"c1"})");
  CHECK(stage.reached);
  CHECK_FALSE(stage.answer);
  stage.event(R"({"type":"StasisStart","application":"demo","args":[],"channel":{"id":"c1","state":"Up"}})");
  REQUIRE(stage.answer);
  CHECK(find_string(json(**stage.answer), "outcome") == "answered");
  CHECK(stage.waiters() == 0);
  CHECK(stage.asterisk.requests.back().find("\"wait\"") == std::string::npos);
}

TEST_CASE("an event that is faster than the answer of the request is not missed") {
  WaitingStage stage;
  stage.call("originate", originate);
  REQUIRE(test::pump(stage.loop, [&] { return !stage.waiting.empty(); }));
  stage.event(R"({"type":"StasisStart","application":"demo","args":[],"channel":{"id":"c1","state":"Up"}})");
  stage.respond(200, R"({"id":"c1"})");
  REQUIRE(stage.answer);
  CHECK(stage.waiters() == 0);
  CHECK(find_string(json(**stage.answer), "outcome") == "answered");
}

TEST_CASE("of two calls of one id that are made at a time, each has its own answer") {
  WaitingStage stage;
  stage.call("originate", originate);
  REQUIRE(test::pump(stage.loop, [&] { return !stage.waiting.empty(); }));
  stage.event(channel_event("StasisStart", earlier));  // that somebody else makes
  CHECK_FALSE(stage.answer);
  const bool is_refused = GENERATE(true, false);
  if (is_refused) {
    stage.respond(400, R"({"message":"no"})");
    REQUIRE(stage.answer);
    CHECK(stage.answer->error().kind == ErrorKind::refused);
  } else {
    stage.respond(200, R"({"id":"c1","creationtime":")" + std::string(later) + "\"}");
    CHECK_FALSE(stage.answer);
    stage.event(channel_event("StasisStart", later));
    CHECK(stage.answer);
  }
}

TEST_CASE("a waiting command that Asterisk refuses is answered with the refusal, at once") {
  WaitingStage stage;
  stage.call("play", R"({"channelId":"c1","media":"sound:x","wait":true})");
  stage.respond(404, R"({"message":"Channel not found"})");
  REQUIRE(stage.answer);
  CHECK(stage.answer->error().kind == ErrorKind::refused);
  CHECK(stage.waiters() == 0);
  CHECK_FALSE(stage.reached);
}

TEST_CASE("when the event stream is cut, the outcome of what is waited for is unknown") {
  WaitingStage stage;
  stage.call("originate", originate);
  stage.respond(200, R"({"id":"c1"})");
  stage.server.own_record("server.disconnected");
  REQUIRE(stage.answer);
  CHECK(stage.answer->error().kind == ErrorKind::outcome_unknown);
  CHECK(find_string(json(stage.answer->error().data), "channelId") == "c1");
  CHECK(stage.waiters() == 0);
}

TEST_CASE("a refusal is told as one although the event stream was cut before it came") {
  WaitingStage stage;
  stage.call("originate", originate);
  REQUIRE(test::pump(stage.loop, [&] { return !stage.waiting.empty(); }));
  stage.server.own_record("server.disconnected");
  CHECK_FALSE(stage.answer);
  stage.respond(400, R"({"message":"Endpoint must be specified"})");
  REQUIRE(stage.answer);
  CHECK(stage.answer->error().kind == ErrorKind::refused);
}

TEST_CASE("a waiting play is answered with the playback as it ended") {
  WaitingStage stage;
  stage.call("play", R"({"channelId":"c1","media":"sound:x","playbackId":"p1","wait":true})");
  stage.respond(201, playback("p1", "queued"));
  stage.event(R"({"type":"PlaybackStarted","application":"demo","playback":)" + playback("p1", "playing") +
              "}");
  stage.event(R"({"type":"PlaybackFinished","application":"demo","playback":)" + playback("p2", "done") +
              "}");
  CHECK_FALSE(stage.answer);
  stage.event(R"({"type":"PlaybackFinished","application":"demo","playback":)" + playback("p1", "failed") +
              "}");
  REQUIRE(stage.answer);
  CHECK(**stage.answer == playback("p1", "failed"));
}

TEST_CASE(
    "a waiting play is answered when Asterisk has no such playback any more, though no event tells its end") {
  const bool is_heard = GENERATE(true, false);  // else another end may have been told to somebody else
  WaitingStage stage;
  if (is_heard) stage.event(channel_event("StasisStart", earlier));
  const auto unreported = [&](const std::string& id) {
    stage.server.publish(
        state::changed("pbx1", record::IdKind::playback, id, playback(id, "failed"), "demo", wall_now()));
  };
  stage.call("play", R"({"channelId":"c1","media":"recording:nosuch","playbackId":"p1","wait":true})");
  unreported("p1");  // of an earlier one: Asterisk has not answered yet
  CHECK_FALSE(stage.answer);
  stage.respond(201, playback("p1", "queued"));
  CHECK_FALSE(stage.answer);
  unreported("p2");
  CHECK_FALSE(stage.answer);
  unreported("p1");
  REQUIRE(stage.answer.has_value() == is_heard);
  if (!is_heard) return;
  CHECK(json(**stage.answer)["state"] == "failed");
  CHECK(stage.waiters() == 0);
}

TEST_CASE("a waiting record is answered with the recording as it ended, or failed") {
  for (const std::string type : {"RecordingFinished", "RecordingFailed"}) {
    WaitingStage stage;
    stage.call("record", R"({"channelId":"c1","name":"r1","format":"wav","wait":true})");
    stage.respond(201, "{}");
    const std::string recording = R"({"name":"r1","format":"wav","state":"done","target_uri":"channel:c1"})";
    stage.event(R"({"type":")" + type + R"(","application":"demo","recording":)" + recording + "}");
    REQUIRE(stage.answer);
    CHECK(**stage.answer == recording);
  }
}

TEST_CASE("without wait, and with wait false, verbs are answered as their operations are") {
  WaitingStage stage;
  for (const char* wait : {"", R"(,"wait":false)"}) {
    stage.call("record", R"({"channelId":"c1","name":"r1","format":"wav")" + std::string(wait) + "}");
    stage.respond(201, R"({"name":"r1"})");
    REQUIRE(stage.answer);
    CHECK(**stage.answer == R"({"name":"r1"})");
  }
}

TEST_CASE("a wait ends with the connection that asked, unless the command has a key") {
  WaitingStage stage;
  std::vector<Result<ResultText>> answers;
  control::Caller caller = aribus::test::a_caller();
  const auto play = [&](uint64_t connection, const std::string& more) {
    caller.connection = connection;
    stage.dispatcher.call(caller, "play",
                          json(R"({"channelId":"c1","media":"sound:x","wait":true)" + more + "}"),
                          [&](Result<ResultText> got) { answers.push_back(std::move(got)); });
  };
  play(7, "");
  play(7, R"(,"playbackId":"p2","key":"k")");
  play(8, "");
  CHECK(stage.waiters() == 3);
  stage.dispatcher.abandon(7);
  CHECK(stage.waiters() == 2);
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].error().kind == ErrorKind::outcome_unknown);
  stage.dispatcher.abandon(7);
  CHECK(stage.waiters() == 2);
}

TEST_CASE("the end of an earlier call of the same id does not answer a waiting originate") {
  for (const bool before_the_answer : {true, false}) {
    INFO(before_the_answer);
    WaitingStage stage;
    stage.event(channel_event("StasisStart", earlier));
    stage.call("originate", originate);
    const auto old_call_ends = [&] {
      stage.event(channel_event("StasisEnd", earlier));
      stage.event(channel_event("ChannelDestroyed", earlier));
      CHECK_FALSE(stage.answer);
    };
    if (before_the_answer) old_call_ends();
    stage.respond(200, R"({"id":"c1","creationtime":")" + std::string(later) + "\"}");
    if (!before_the_answer) old_call_ends();
    stage.event(channel_event("StasisStart", later));
    REQUIRE(stage.answer);
    CHECK(find_string(json(**stage.answer), "outcome") == "answered");
  }
}

TEST_CASE("of calls of one id that were sent in one go each waits for its own") {
  WaitingStage stage;
  stage.call("originate", R"({"endpoint":"PJSIP/100","channelId":"c1"})");
  stage.respond(200, R"({"id":"c1","creationtime":")" + std::string(earlier) + "\"}");
  stage.call("hangup", R"({"channelId":"c1"})");
  stage.respond(204, "");
  stage.call("originate", originate);  // no event has told of the first one yet
  stage.event(channel_event("StasisStart", earlier));
  stage.event(channel_event("ChannelDestroyed", earlier));
  CHECK_FALSE(stage.answer);
  stage.respond(200, R"({"id":"c1","creationtime":")" + std::string(later) + "\"}");
  CHECK_FALSE(stage.answer);
  stage.event(channel_event("ChannelDestroyed", later));
  REQUIRE(stage.answer);
  CHECK(find_string(json(**stage.answer), "outcome") == "cancelled");
}

TEST_CASE(
    "the end of an earlier playback or recording of the same id does not answer who waits for another") {
  struct Case {
    const char* method;
    const char* params;
    const char* field;
    const char* event;
  };
  for (const Case& one :
       {Case{"play", R"({"channelId":"c1","media":"sound:new","playbackId":"m1","wait":true})", "playback",
             "Playback"},
        Case{"record", R"({"channelId":"c1","name":"m1","format":"wav","wait":true})", "recording",
             "Recording"}}) {
    INFO(one.method);
    const std::string started = std::string(one.event) + "Started",
                      finished = std::string(one.event) + "Finished";
    WaitingStage stage;
    stage.event(media_event(started, "sound:old", one.field));
    stage.call(one.method, one.params);
    stage.respond(201, "{}");
    stage.event(media_event(finished, "sound:old", one.field));
    CHECK_FALSE(stage.answer);
    stage.event(media_event(started, "sound:new", one.field));
    stage.event(media_event(finished, "sound:new", one.field));
    REQUIRE(stage.answer);
    CHECK_THAT(**stage.answer, ContainsSubstring("sound:new"));
  }
}

namespace {

// A play with `wait` that Asterisk has begun: its answer was given, and no event came.
void begin_play(WaitingStage& stage, const char* target = R"("bridgeId":"b1")") {
  stage.call("play", R"({"media":"sound:x","playbackId":"p1","wait":true,)" + std::string(target) + "}");
  stage.respond(201, playback("p1", "playing"));
  REQUIRE_FALSE(stage.answer);
}

// Asterisk is asked for what is waited for, and answers.
void look(WaitingStage& stage, int status, const std::string& body) {
  REQUIRE(test::pump(stage.loop, [&] { return !stage.waiting.empty(); }));
  CHECK(stage.asterisk.requests.back().starts_with("GET "));
  stage.respond(status, body);
}

constexpr auto not_found = R"({"message":"Playback not found"})";

}  // namespace

TEST_CASE("a playback whose end nobody tells is looked for, and when it is gone the outcome is unknown") {
  WaitingStage stage;
  begin_play(stage);  // of a bridge of which nothing is heard
  look(stage, 200, playback("p1", "playing"));
  CHECK_FALSE(stage.answer);
  look(stage, 404, not_found);
  CHECK_FALSE(stage.answer);  // its end may be on its way
  look(stage, 404, not_found);
  REQUIRE(stage.answer);
  CHECK(stage.answer->error().kind == ErrorKind::outcome_unknown);
  CHECK(stage.answer->error().message == "the playback has ended, and no event reported how");
  CHECK(stage.answer->error().data == R"({"playbackId":"p1","exists":false})");
  CHECK(stage.waiters() == 0);
}

TEST_CASE("an end that comes between two looks is the answer") {
  WaitingStage stage;
  begin_play(stage);
  look(stage, 404, not_found);
  stage.event(R"({"type":"PlaybackFinished","application":"demo","playback":)" + playback("p1", "done") +
              "}");
  REQUIRE(stage.answer);
  CHECK(**stage.answer == playback("p1", "done"));
}

TEST_CASE("a look that fails says nothing, and one that finds it there neither") {
  WaitingStage stage;
  begin_play(stage);
  look(stage, 404, not_found);
  look(stage, 500, "{}");
  look(stage, 404, not_found);
  CHECK(stage.answer);  // the second miss
  begin_play(stage);
  look(stage, 404, not_found);
  look(stage, 200, playback("p1", "playing"));
  look(stage, 404, not_found);
  CHECK_FALSE(stage.answer);
}

TEST_CASE("what is played or recorded is looked for when what it is on may be heard of no more") {
  const std::string channel = R"("channel":{"id":"c1","name":"x","state":"Up"})";
  const std::string bridge =
      R"("bridge":{"id":"b1","technology":"x","bridge_type":"mixing","bridge_class":"x","creator":"","name":"","channels":[],"video_mode":"none"})";
  const auto target = GENERATE(as<std::string>(), "channel", "bridge");
  const bool is_channel = target == "channel";
  WaitingStage stage;
  // It is known, and heard of: there is no reason to look.
  stage.event(is_channel ? R"({"type":"StasisStart","application":"demo","args":[],)" + channel + "}"
                         : R"({"type":"BridgeCreated","application":"demo",)" + bridge + "}");
  stage.call("record", R"({"name":"m1","format":"wav","wait":true,)" +
                           std::string(is_channel ? R"("channelId":"c1"})" : R"("bridgeId":"b1"})"));
  stage.respond(201, R"({"name":"m1","format":"wav","state":"queued","target_uri":"channel:c1"})");
  test::pump_for(stage.loop, Milliseconds(20));
  CHECK(stage.waiting.empty());
  if (is_channel) {
    stage.event(R"({"type":"StasisEnd","application":"demo",)" + channel + "}");
  } else {
    stage.event(R"({"type":"ChannelLeftBridge","application":"demo",)" + channel + "," + bridge + "}");
  }
  look(stage, 404, not_found);
  look(stage, 404, not_found);
  REQUIRE(stage.answer);
  CHECK(stage.answer->error().data == R"({"name":"m1","exists":false})");
}

TEST_CASE("a call that is waited for and known no more is looked for") {
  WaitingStage stage;
  stage.call("originate", originate);
  stage.respond(200, R"({"id":"c1","creationtime":")" + std::string(later) + "\"}");
  record::Record gone = record::own_record(record::StateGone{}, "pbx1", wall_now());
  gone.ids.add(record::IdKind::channel, "c1");
  stage.server.publish(gone);
  look(stage, 404, not_found);
  look(stage, 404, not_found);
  REQUIRE(stage.answer);
  CHECK(stage.answer->error().message == "the call has ended, and no event reported how");
  CHECK(stage.answer->error().data == R"({"channelId":"c1","exists":false})");
}

TEST_CASE("a call whose application another client takes is waited for no longer") {
  WaitingStage stage;
  stage.call("originate", originate);
  stage.respond(200, R"({"id":"c1"})");
  stage.server.own_record("server.replaced", "other");
  CHECK_FALSE(stage.answer);
  stage.server.own_record("server.replaced", "demo");
  REQUIRE(stage.answer);
  CHECK(stage.answer->error().kind == ErrorKind::outcome_unknown);
  CHECK(stage.answer->error().message ==
        "another client has taken the application 'demo' before the end was reported");
  CHECK(find_string(json(stage.answer->error().data), "channelId") == "c1");
  CHECK(stage.waiters() == 0);
}

TEST_CASE("a call whose application a reload takes away is waited for no longer, one of another is") {
  WaitingStage stage({"demo", "kept"});
  std::vector<std::string> ended;
  for (const char* app : {"demo", "kept"}) {
    stage.dispatcher.call(
        aribus::test::a_caller(), "originate",
        json(R"({"endpoint":"PJSIP/100","wait":"answer","app":")" + std::string(app) + "\"}"),
        [&, app](const Result<ResultText>& got) {
          CHECK(got.error().message ==
                "the application 'demo' was taken out of the configuration "
                "before the end was reported");
          ended.emplace_back(app);
        });
    stage.respond(200, R"({"id":"c1"})");
  }
  ServerOptions options{"pbx1", stage.server.client().options()};
  options.client.apps = {"kept"};
  stage.asterisk.set_script(test::have_no_objects);
  REQUIRE(stage.server.change(options, Milliseconds(0)) == "reconnecting");
  REQUIRE(test::pump(stage.loop, [&] { return !ended.empty(); }));
  CHECK(ended == std::vector<std::string>{"demo"});
  CHECK(stage.waiters() == 1);
}

TEST_CASE("what is played on a channel of an application that another client has is looked for") {
  WaitingStage stage;
  stage.event(channel_event("StasisStart", earlier));
  stage.lose_application();
  begin_play(stage, R"("channelId":"c1")");
  look(stage, 404, not_found);
  look(stage, 404, not_found);
  REQUIRE(stage.answer);
  CHECK(stage.answer->error().data == R"({"playbackId":"p1","exists":false})");
}

TEST_CASE("what follows the repeat of a waiting command goes on when Asterisk has the first") {
  WaitingStage stage;
  const auto play = [&](bool& reached) {
    stage.dispatcher.call(aribus::test::a_caller(), "play",
                          json(R"({"channelId":"c1","media":"sound:x","wait":true,"key":"k"})"),
                          [](const Result<ResultText>&) {}, {.on_accepted = [&] { reached = true; }});
  };
  bool first = false, early = false, late = false;
  play(first);
  play(early);
  CHECK_FALSE(early);
  stage.respond(201, playback("p1", "playing"));
  CHECK(first);
  CHECK(early);
  play(late);
  CHECK(late);
}

TEST_CASE("a playback whose end was not told has ended when another of its id begins") {
  WaitingStage stage;
  begin_play(stage, R"("channelId":"c1")");
  const auto event = [&](const char* type, const char* media) {
    stage.event(R"({"type":")" + std::string(type) +
                R"(","application":"demo","playback":{"id":"p1","media_uri":")" + media +
                R"(","target_uri":"channel:c1","state":"done"}})");
  };
  event("PlaybackStarted", "recording:nosuch");
  event("PlaybackStarted", "recording:nosuch");  // its copy, of an application that hears it twice
  event("PlaybackContinuing", "sound:x");
  CHECK_FALSE(stage.answer);
  event("PlaybackStarted", "sound:next");
  REQUIRE(stage.answer);
  CHECK(stage.answer->error().data == R"({"playbackId":"p1","exists":false})");
  CHECK(stage.waiters() == 0);
}

TEST_CASE("a daemon that stops waits for no end any longer") {
  WaitingStage stage;
  begin_play(stage);
  stage.dispatcher.stop_waiting();
  REQUIRE(stage.answer);
  CHECK(stage.answer->error().kind == ErrorKind::outcome_unknown);
  CHECK(stage.answer->error().message == "aribusd was stopped while the end was waited for");
  CHECK(stage.waiters() == 0);
}

TEST_CASE("a playback of several sounds is answered when the last of them has ended") {
  WaitingStage stage;
  begin_play(stage, R"("channelId":"c1")");
  const auto event = [&](const std::string& type, const std::string& media, const std::string& next) {
    const std::string more = next.empty() ? "" : R"("next_media_uri":")" + next + "\",";
    stage.event(R"({"type":")" + type + R"(","application":"demo","playback":{"id":"p1","media_uri":")" +
                media + "\"," + more + R"("target_uri":"channel:c1","language":"en","state":"x"}})");
  };
  event("PlaybackStarted", "sound:1", "sound:2");
  event("PlaybackContinuing", "sound:1", "sound:2");
  event("PlaybackStarted", "sound:2", "sound:3");
  event("PlaybackStarted", "sound:1", "sound:2");  // a copy, of another application that is late
  event("PlaybackContinuing", "sound:2", "sound:3");
  event("PlaybackStarted", "sound:3", "");
  CHECK_FALSE(stage.answer);
  event("PlaybackFinished", "sound:3", "");
  REQUIRE(stage.answer);
  CHECK(stage.answer->ok());
}
