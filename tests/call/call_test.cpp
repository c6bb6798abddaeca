// A real call through a real Asterisk: sipp calls in, a program on aribusd's socket handles the call.
//
// ARIBUS_ASTERISK_VERSIONS names the Asterisks that run ("22 16", see scripts/asterisk).
#include <cstdlib>
#include <sstream>

#include <unistd.h>

#include "ari/causes.h"
#include "tests/catch.h"
#include "tests/support/asterisk.h"
#include "tests/support/program.h"

namespace {

using aribus::Error;
using aribus::ErrorKind;
using aribus::find;
using aribus::Json;
using aribus::JsonValue;
using aribus::to_text;
using namespace aribus::test;

std::vector<std::string> versions() {
  const char* given = std::getenv("ARIBUS_ASTERISK_VERSIONS");
  std::vector<std::string> list;
  std::istringstream words(given == nullptr ? "" : given);
  for (std::string word; words >> word;) list.push_back(word);
  if (list.empty()) {
    throw std::runtime_error(
        "no real Asterisk to test with: run scripts/asterisk start 22, and set ARIBUS_ASTERISK_VERSIONS=22");
  }
  return list;
}

std::string params(const std::string& channel, const std::string& more = {}) {
  return R"({"channelId":")" + channel + "\"" + (more.empty() ? "" : "," + more) + "}";
}

std::string named(const std::string& recording) {
  return R"({"recordingName":")" + recording + "\"}";
}

// The answer of channels.externalMedia: a Channel on 22, an object with one in `channel` on 16.
bool about_channel(const JsonValue& answer, const std::string& id) {
  return text_at(answer, "id") == id || text_at(answer, "channel.id") == id;
}

// An application of its own for each test, so that no other program's events are seen.
std::string fresh_app() {
  static int count = 0;
  return "calltest" + std::to_string(::getpid()) + "x" + std::to_string(++count);
}

// An Asterisk, an aribusd on it, and a program on its socket.
struct Stage {
  explicit Stage(const std::string& version)
      : asterisk(Asterisk::running(version)),
        app(fresh_app()),
        daemon({asterisk.server(app)}),
        program((daemon.wait_connected(), daemon.connect())) {}

  // Has the application hear of `source` ("channel:<id>", "bridge:<id>") to its end.
  void subscribe_to(const std::string& source) {
    program.call("applications.subscribe",
                 R"({"applicationName":")" + app + R"(","eventSource":")" + source + "\"}");
  }

  // A channel that echoes, in the application.
  std::string second_leg(const std::string& id) {
    program.call("originate",
                 R"({"endpoint":"Local/echo@default","channelId":")" + id + R"(","appArgs":"leg2"})");
    program.expect_about("StasisStart", id);
    return id;
  }

  Asterisk asterisk;
  std::string app;
  Daemon daemon;
  Program program;
};

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
      CHECK(program.call("playbacks.control", R"({"playbackId":")" + playing + R"(","operation":"pause"})")
                .IsNull());
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
      CHECK(about_channel(external, media));
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

TEST_CASE("a SIP call is redirected before it is answered", "[call]") {
  for (const std::string& version : versions()) {
    DYNAMIC_SECTION("Asterisk " << version) {
      Stage stage(version);
      Caller caller(stage.asterisk, "redirected", stage.app);
      const std::string call = text_at(stage.program.expect("StasisStart"), "channel.id");
      CHECK(stage.program
                .call("channels.redirect", params(call, R"("endpoint":"PJSIP/sip:elsewhere@127.0.0.1:9")"))
                .IsNull());
      stage.program.expect_about("StasisEnd", call);
      caller.expect_success();
    }
  }
}

TEST_CASE("a channel is created first and dialled then", "[call]") {
  for (const std::string& version : versions()) {
    DYNAMIC_SECTION("Asterisk " << version) {
      Stage stage(version);
      Program& program = stage.program;
      const Json made =
          program.call("channels.create", R"({"endpoint":"Local/echo@default","app":")" + stage.app + "\"}");
      const std::string id = text_at(made, "id");
      CHECK(id.starts_with("aribus-"));
      program.expect_about("StasisStart", id);
      CHECK(program.call("channels.dial", params(id, R"("timeout":5)")).IsNull());
      program.expect_about("Dial", id,
                           [](const JsonValue& r) { return text_at(r, "dialstatus") == "ANSWER"; });
      const Json list = program.call("channels.list");
      bool listed = false;
      for (const JsonValue& channel : list.GetArray()) listed |= text_at(channel, "id") == id;
      CHECK(listed);
      CHECK(program.call("hangup", params(id)).IsNull());
      program.expect_about("ChannelDestroyed", id);
    }
  }
}

TEST_CASE("a call goes to the dialplan, and the caller's id finds it again", "[call]") {
  for (const std::string& version : versions()) {
    DYNAMIC_SECTION("Asterisk " << version) {
      Stage stage(version);
      Program& program = stage.program;
      const std::string id = stage.app + "-dialplan";
      const Json made =
          program.call("originate", R"({"endpoint":"Local/answer@default","channelId":")" + id +
                                        R"(","app":null,"context":"default","extension":"answer"})");
      CHECK(text_at(made, "id") == id);
      CHECK(text_at(program.call("channels.get", params(id)), "id") == id);

      const Error exists =
          program.refused("originate", R"({"endpoint":"Local/answer@default","channelId":")" + id + "\"}");
      CHECK(exists.kind == ErrorKind::refused);
      CHECK_THAT(exists.message, ContainsSubstring("exists already"));
      for (int i = 0; i < 10; ++i) {  // Asterisk's answer to this depends on what its thread did before
        const Error unknown = program.refused("originate", R"({"endpoint":"Nosuch/x"})");
        CHECK(unknown.kind == ErrorKind::refused);
        CHECK_THAT(unknown.message, ContainsSubstring("technology 'Nosuch'"));
      }
      CHECK(program.call("hangup", params(id)).IsNull());
    }
  }
}

TEST_CASE("hangup takes ARI's reasons, Q.850's names and numbers", "[call]") {
  for (const std::string& version : versions()) {
    DYNAMIC_SECTION("Asterisk " << version) {
      Stage stage(version);
      Program& program = stage.program;
      int count = 0;
      const auto hang_up = [&](const std::string& reason) {
        const std::string id = stage.second_leg(stage.app + "-" + std::to_string(++count));
        CHECK(program.call("hangup", params(id, R"("reason":)" + reason)).IsNull());
        const Json destroyed = program.expect_about("ChannelDestroyed", id);
        CHECK(text_at(destroyed, "cause_txt") == aribus::ari::cause_text(destroyed["cause"].GetInt()));
        return destroyed["cause"].GetInt();
      };
      for (const auto& cause : aribus::ari::causes()) {
        if (cause.reason.empty()) continue;
        INFO(cause.reason);
        CHECK(hang_up("\"" + std::string(cause.reason) + "\"") == cause.code);
        CHECK(hang_up("\"" + std::string(cause.name) + "\"") == cause.code);
        CHECK(hang_up(std::to_string(cause.code)) == cause.code);
      }
      if (version == "16") {
        const std::string id = stage.second_leg(stage.app + "-old");
        CHECK(program.refused("hangup", params(id, R"("reason":"subscriber_absent")")).kind ==
              ErrorKind::too_old);
        program.call("hangup", params(id));
      } else {
        for (const auto& cause : aribus::ari::causes()) {
          if (cause.code != 0) CHECK(hang_up("\"" + std::string(cause.name) + "\"") == cause.code);
        }
      }
    }
  }
}

TEST_CASE("the first round's other operations answer", "[call]") {
  for (const std::string& version : versions()) {
    DYNAMIC_SECTION("Asterisk " << version) {
      Stage stage(version);
      Program& program = stage.program;
      CHECK(text_at(program.call("asterisk.getInfo"), "system.version").starts_with(version));
      CHECK(text_at(program.call("asterisk.getInfo", R"({"only":["status"]})"), "status.startup_time")
                .ends_with("Z"));
      CHECK(text_at(program.call("asterisk.ping"), "ping") == "pong");
      CHECK(program.call("asterisk.listModules").Size() > 50);
      CHECK(text_at(program.call("asterisk.getModule", R"({"moduleName":"res_ari.so"})"), "status") ==
            "Running");
      CHECK(program.call("asterisk.reloadModule", R"({"moduleName":"res_musiconhold.so"})").IsNull());

      const std::string name = "ARIBUS_" + stage.app;
      CHECK(program.call("asterisk.setGlobalVar", R"({"variable":")" + name + R"(","value":"1 + 1"})")
                .IsNull());
      CHECK(text_at(program.call("asterisk.getGlobalVar", R"({"variable":")" + name + "\"}"), "value") ==
            "1 + 1");
      // Too long for a request line: it goes in the body.
      const std::string leg = stage.second_leg(stage.app + "-leg");
      const std::string expression = R"("variable":"LEN()" + std::string(4200, 'x') + ")\"";
      CHECK(text_at(program.call("channels.getChannelVar", params(leg, expression)), "value") == "4200");
      CHECK(program.call("hangup", params(leg)).IsNull());

      CHECK(program.call("channels.list").IsArray());
      CHECK(program.call("recordings.listStored").IsArray());
      const Json bridge = program.call("bridges.create", R"({"type":"mixing","name":"alone"})");
      const std::string id = text_at(bridge, "id");
      CHECK(id.starts_with("aribus-"));
      CHECK(text_at(program.call("bridges.get", R"({"bridgeId":")" + id + "\"}"), "name") == "alone");
      CHECK(program.call("bridges.list").Size() >= 1);
      stage.subscribe_to("bridge:" + id);
      const Json played =
          program.call("bridges.play", R"({"bridgeId":")" + id + R"(","media":"sound:hello"})");
      const std::string playing = text_at(played, "id");
      program.expect("PlaybackStarted", [&](const JsonValue& r) { return about(r, "playbacks", playing); });
      CHECK(program.call("playbacks.stop", R"({"playbackId":")" + playing + "\"}").IsNull());
      program.expect("PlaybackFinished", [&](const JsonValue& r) { return about(r, "bridges", id); });
      const Json recording = program.call(
          "bridges.record", R"({"bridgeId":")" + id + R"(","name":")" + name + R"(","format":"wav"})");
      CHECK(text_at(recording, "target_uri") == "bridge:" + id);
      program.expect("RecordingStarted", [&](const JsonValue& r) { return about(r, "bridges", id); });
      CHECK(program.call("recordings.stop", named(name)).IsNull());
      program.expect("RecordingFinished");
      CHECK(program.call("recordings.deleteStored", named(name)).IsNull());
      CHECK(program.call("bridges.destroy", R"({"bridgeId":")" + id + "\"}").IsNull());

      const Json requested = program.call("ari.request", R"({"method":"GET","path":"/endpoints"})");
      CHECK(requested.IsArray());
      const Error missing = program.refused("channels.get", params("nobody"));
      CHECK(missing.kind == ErrorKind::refused);
      CHECK_THAT(missing.data, ContainsSubstring(R"("status":404)"));
    }
  }
}

TEST_CASE("bridge undoes what it began when a channel can't be added", "[call]") {
  for (const std::string& version : versions()) {
    DYNAMIC_SECTION("Asterisk " << version) {
      Stage stage(version);
      const Error error =
          stage.program.refused("bridge", R"({"channels":["nobody"],"bridgeId":")" + stage.app + "\"}");
      CHECK_THAT(error.message, ContainsSubstring("destroyed again"));
      CHECK(stage.program.refused("bridges.get", R"({"bridgeId":")" + stage.app + "\"}").kind ==
            ErrorKind::refused);
    }
  }
}
