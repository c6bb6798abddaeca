// A real call through a real Asterisk: sipp calls in, a program on aribusd's socket handles the call.
//
// ARIBUS_ASTERISK_VERSIONS names the Asterisks that run ("22 16", see scripts/asterisk).
#include "tests/call/stage.h"
#include "tests/support/soon.h"

namespace {

using aribus::Error;
using aribus::ErrorKind;
using aribus::find;
using aribus::Json;
using aribus::JsonValue;
using aribus::to_text;
using namespace aribus::test;

}  // namespace

// The whole life of one call, as an IVR would lead it.
TEST_CASE("a SIP call is answered, played to, recorded, bridged and hung up over the socket", "[call]") {
  for (const std::string& version : versions()) {
    DYNAMIC_SECTION("Asterisk " << version) {
      Stage stage(version);
      Program& program = stage.program;
      Caller caller(stage.asterisk, "caller", stage.app);

      const Json start = program.expect("StasisStart");
      const std::string call = text_at(start, "channel.id");
      REQUIRE_FALSE(call.empty());
      CHECK(about(start, "channels", call));
      CHECK(text_at(start, "app") == stage.app);
      CHECK(text_at(start, "server") == "pbx" + version);
      CHECK(text_at(start, "channel.caller.name") == "Alice");
      CHECK(text_at(start, "channel.caller.number") == "100");
      CHECK(text_at(start, "channel.state") == "Ring");
      CHECK(to_text(start["args"]) == R"(["inbound","100"])");
      CHECK(text_at(start, "time").ends_with("Z"));
      CHECK(text_at(start, "channel.creationtime").ends_with("Z"));

      // An application hears of a channel until it leaves Stasis; one that subscribes to it, to the end.
      stage.subscribe_to("channel:" + call);

      // Ring and answer.
      CHECK(program.call("channels.ring", params(call)).IsNull());
      CHECK(program.call("channels.ringStop", params(call)).IsNull());
      CHECK(program.call("channels.answer", params(call)).IsNull());
      program.expect_about("ChannelStateChange", call,
                           [](const JsonValue& r) { return text_at(r, "channel.state") == "Up"; });
      CHECK(text_at(program.call("channels.get", params(call)), "state") == "Up");

      // Two sounds, one after the other; one is under way while the caller's echo is recorded.
      const std::string recorded = "rec of " + stage.app;
      const Json recording =
          program.call("channels.record", params(call, R"("name":")" + recorded + R"(","format":"wav")"));
      CHECK(text_at(recording, "name") == recorded);
      const Json recording_started = program.expect("RecordingStarted");
      CHECK(about(recording_started, "recordings", recorded));
      CHECK(about(recording_started, "channels", call));
      CHECK(text_at(program.call("recordings.getLive", named(recorded)), "state") == "recording");
      CHECK(program.call("recordings.pause", named(recorded)).IsNull());
      CHECK(program.call("recordings.unpause", named(recorded)).IsNull());

      // What the caller pressed, while that goes on.
      CHECK(text_at(program.expect_about("ChannelDtmfReceived", call), "digit") == "5");
      CHECK(text_at(program.expect_about("ChannelDtmfReceived", call), "digit") == "#");

      CHECK(program.call("recordings.stop", named(recorded)).IsNull());
      const Json recording_finished = program.expect("RecordingFinished");
      CHECK(about(recording_finished, "recordings", recorded));
      CHECK(text_at(recording_finished, "recording.state") == "done");
      CHECK(text_at(program.call("recordings.getStored", named(recorded)), "format") == "wav");
      const Json stored = program.call("recordings.getStoredFile", named(recorded));
      CHECK(text_at(stored, "encoding") == "base64");
      CHECK(text_at(stored, "data").starts_with("UklGR"));  // "RIFF"
      CHECK(program.call("recordings.deleteStored", named(recorded)).IsNull());
      CHECK(program.refused("recordings.getStored", named(recorded)).kind == ErrorKind::refused);

      const Json playback =
          program.call("play", params(call, R"("media":["sound:hello","sound:vm-goodbye"])"));
      const std::string playing = text_at(playback, "id");
      CHECK(text_at(playback, "target_uri") == "channel:" + call);
      const Json started = program.expect("PlaybackStarted");
      CHECK(about(started, "playbacks", playing));
      CHECK(about(started, "channels", call));
      CHECK(text_at(program.call("playbacks.get", R"({"playbackId":")" + playing + "\"}"), "state") ==
            "playing");
      // A moment after PlaybackStarted.
      CHECK(soon([&] {
        return program.client()
            .call("playbacks.control", R"({"playbackId":")" + playing + R"(","operation":"pause"})")
            .ok();
      }));
      CHECK(program.call("playbacks.control", R"({"playbackId":")" + playing + R"(","operation":"unpause"})")
                .IsNull());
      CHECK(about(program.expect("PlaybackContinuing"), "playbacks", playing));
      program.expect("PlaybackFinished", [&](const JsonValue& r) { return about(r, "playbacks", playing); });

      // A variable, written and read.
      CHECK(program.call("channels.setChannelVar", params(call, R"("variable":"GREETING","value":"a+b c;é")"))
                .IsNull());
      const Json set = program.expect_about(
          "ChannelVarset", call, [](const JsonValue& r) { return text_at(r, "variable") == "GREETING"; });
      CHECK(text_at(set, "value") == "a+b c;é");
      CHECK(text_at(program.call("channels.getChannelVar", params(call, R"("variable":"GREETING")")),
                    "value") == "a+b c;é");

      // A second leg, with variables, bridged with the first.
      const std::string leg = stage.app + "-leg/2;é #1";
      const Json originated = program.call(
          "originate",
          R"({"endpoint":"Local/echo@default","channelId":")" + leg +
              R"(","appArgs":"leg2,two","callerId":"\"Bob\" <200>","variables":{"CAMPAIGN":"a+b=c, d"}})");
      CHECK(text_at(originated, "id") == leg);
      const Json entered = program.expect_about("StasisStart", leg);
      CHECK(to_text(entered["args"]) == R"(["leg2","two"])");
      CHECK(text_at(program.call("channels.getChannelVar", params(leg, R"("variable":"CAMPAIGN")")),
                    "value") == "a+b=c, d");

      const Json bridge = program.call(
          "bridge", R"({"channels":[")" + call + R"(",")" + leg + R"("],"name":"both","type":"mixing"})");
      const std::string bridge_id = text_at(bridge, "id");
      stage.subscribe_to("bridge:" + bridge_id);
      CHECK(text_at(bridge, "name") == "both");
      CHECK(bridge["channels"].Size() == 2);
      for (const std::string& channel : {call, leg}) {
        const Json joined = program.expect(
            "ChannelEnteredBridge", [&](const JsonValue& r) { return text_at(r, "channel.id") == channel; });
        CHECK(about(joined, "bridges", bridge_id));
      }

      // What is sent to the second leg comes back from its echo.
      CHECK(program.call("channels.sendDTMF", params(leg, R"("dtmf":"7","duration":120)")).IsNull());
      CHECK(text_at(program.expect_about("ChannelDtmfReceived", leg), "digit") == "7");

      // A sound for both, recorded from the bridge.
      const std::string on_bridge = R"({"bridgeId":")" + bridge_id + "\"}";
      const std::string mixed = "mix of " + stage.app;
      program.call("bridges.record",
                   R"({"bridgeId":")" + bridge_id + R"(","name":")" + mixed + R"(","format":"wav"})");
      program.expect("RecordingStarted", [&](const JsonValue& r) { return about(r, "bridges", bridge_id); });
      const Json announced =
          program.call("play", R"({"bridgeId":")" + bridge_id + R"(","media":"sound:hello"})");
      program.expect("PlaybackFinished",
                     [&](const JsonValue& r) { return about(r, "playbacks", text_at(announced, "id")); });
      CHECK(program.call("recordings.stop", named(mixed)).IsNull());
      program.expect("RecordingFinished", [&](const JsonValue& r) { return about(r, "recordings", mixed); });
      const Json audio = program.call("recordings.getStoredFile", named(mixed));
      CHECK(text_at(audio, "data").size() > 1000);  // more than its header
      CHECK(program.call("recordings.deleteStored", named(mixed)).IsNull());

      // Music to both, then silence.
      CHECK(program.call("bridges.startMoh", on_bridge).IsNull());
      CHECK(program.call("bridges.stopMoh", on_bridge).IsNull());
      CHECK(program
                .call("bridges.removeChannel",
                      R"({"bridgeId":")" + bridge_id + R"(","channel":")" + leg + "\"}")
                .IsNull());
      program.expect("ChannelLeftBridge",
                     [&](const JsonValue& r) { return text_at(r, "channel.id") == leg; });
      for (const std::string method : {"channels.startMoh", "channels.stopMoh", "channels.mute",
                                       "channels.unmute", "channels.hold", "channels.unhold"}) {
        CHECK(program.call(method, params(leg)).IsNull());
      }

      // Listening in, and media from elsewhere.
      const std::string spy = stage.app + "-spy";
      const Json snooping =
          program.call("channels.snoopChannel",
                       params(call, R"("snoopId":")" + spy + R"(","spy":"both","app":")" + stage.app + "\""));
      CHECK(text_at(snooping, "id") == spy);
      program.expect_about("StasisStart", spy);
      CHECK(program.call("hangup", params(spy)).IsNull());
      program.expect_about("StasisEnd", spy);
      const std::string media = stage.app + "-media";
      const Json external = program.call(
          "channels.externalMedia",
          params(media, R"("app":")" + stage.app + R"(","external_host":"127.0.0.1:9","format":"ulaw")"));
      CHECK(text_at(external, "id") == media);
      program.expect_about("StasisStart", media);
      CHECK(program.call("hangup", params(media)).IsNull());
      program.expect_about("StasisEnd", media);

      // The second leg goes on in the dialplan, which hangs it up.
      CHECK(program
                .call("channels.continueInDialplan",
                      params(leg, R"("context":"default","extension":"s","priority":1)"))
                .IsNull());
      program.expect_about("StasisEnd", leg);
      CHECK(program.expect_about("ChannelDestroyed", leg)["cause"].GetInt() == 16);

      // Hang up.
      CHECK(program.call("bridges.destroy", on_bridge).IsNull());
      CHECK(about(program.expect("BridgeDestroyed"), "bridges", bridge_id));
      CHECK(program.call("hangup", params(call, R"("reason":"normal_clearing")")).IsNull());
      program.expect_about("StasisEnd", call);
      const Json destroyed = program.expect_about("ChannelDestroyed", call);
      CHECK(destroyed["cause"].GetInt() == 16);
      CHECK(text_at(destroyed, "cause_txt") == "Normal Clearing");
      caller.expect_success();

      // Nothing that came was unknown or other than declared, and nothing was missed.
      uint64_t seq = program.records().front()["seq"].GetUint64();
      for (const Json& record : program.records()) {
        INFO(to_text(record));
        CHECK(record["seq"].GetUint64() == seq++);
        CHECK(find(record, "known") == nullptr);
        CHECK(find(record, "invalid") == nullptr);
      }
      CHECK(stage.daemon.stop() == 0);
      CHECK_THAT(stage.daemon.log(), !ContainsSubstring("aribus-test-secret"));
    }
  }
}
