// What commands do beyond ARI's operations, with real Asterisks: verbs, defaults, and errors that tell the
// truth.
#include "ari/hangup_causes.h"
#include "tests/call/stage.h"
#include "tests/support/soon.h"

namespace {

using aribus::Error;
using aribus::ErrorKind;
using aribus::Json;
using aribus::JsonValue;
using namespace aribus::test;

}  // namespace

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
        const std::string id = stage.leg(stage.app + "-" + std::to_string(++count));
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
        const std::string id = stage.leg(stage.app + "-old");
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
      const std::string leg = stage.leg(stage.app + "-leg");
      const std::string expression = R"("variable":"LEN()" + std::string(4200, 'x') + ")\"";
      CHECK(text_at(program.call("channels.getChannelVar", params(leg, expression)), "value") == "4200");
      CHECK(program.call("hangup", params(leg)).IsNull());

      CHECK(program.call("channels.list").IsArray());
      // Asterisk refuses with 500 when a file goes away while it looks at them: other tests record, too.
      CHECK(soon_returned([&] { return program.call("recordings.listStored"); }).IsArray());
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
      // A recording in a bridge that something has just been played to may end at once, by itself: this is another one.
      const std::string quiet = text_at(program.call("bridges.create", R"({"type":"mixing"})"), "id");
      stage.subscribe_to("bridge:" + quiet);
      const Json recording = program.call(
          "bridges.record", R"({"bridgeId":")" + quiet + R"(","name":")" + name + R"(","format":"wav"})");
      CHECK(text_at(recording, "target_uri") == "bridge:" + quiet);
      program.expect("RecordingStarted", [&](const JsonValue& r) { return about(r, "bridges", quiet); });
      CHECK(program.call("recordings.stop", named(name)).IsNull());
      program.expect("RecordingFinished");
      CHECK(program.call("recordings.deleteStored", named(name)).IsNull());
      CHECK(program.call("bridges.destroy", R"({"bridgeId":")" + quiet + "\"}").IsNull());
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
      CHECK(soon([&] {  // Asterisk 16 answers before it is gone
        return aribus::to_text(stage.program.call("bridges.list")).find(stage.app) == std::string::npos;
      }));
    }
  }
}
