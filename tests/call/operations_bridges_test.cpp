// ARI's operations on bridges, as methods of the socket.
#include "tests/call/coverage.h"
#include "tests/support/soon.h"

namespace aribus::test {
namespace {

const Operations bridge_operations({"bridges.addChannel", "bridges.clearVideoSource", "bridges.create",
                                    "bridges.createWithId", "bridges.destroy", "bridges.get",
                                    "bridges.getBridgeVar", "bridges.getBridgeVars", "bridges.list",
                                    "bridges.removeChannel", "bridges.setBridgeVar", "bridges.setBridgeVars",
                                    "bridges.setVideoSource", "bridges.startMoh", "bridges.stopMoh"});

const Operations bridge_media_operations({"bridges.play", "bridges.playWithId", "bridges.record"});

}  // namespace

TEST_CASE("channels come together in bridges and part again", "[call][operations]") {
  on_each_version([](const std::string& version) {
    Stage stage(version);
    Program& program = stage.program;
    Calls call(stage, bridge_operations);
    const std::string first = stage.leg(stage.id("first"));
    const std::string second = stage.leg(stage.id("second"));

    const std::string bridge = stage.id("bridge");
    CHECK(text_at(call("bridges.create", {{"bridgeId", bridge}, {"type", "mixing"}, {"name", "both"}}),
                  "name") == "both");
    call("bridges.addChannel",
         {{"bridgeId", bridge}, json_argument("channel", "[\"" + first + "\",\"" + second + "\"]")});
    CHECK(call("bridges.get", {{"bridgeId", bridge}})["channels"].Size() == 2);
    CHECK(call("bridges.list").Size() >= 1);
    call("bridges.startMoh", {{"bridgeId", bridge}});
    call("bridges.stopMoh", {{"bridgeId", bridge}});
    call("bridges.setVideoSource", {{"bridgeId", bridge}, {"channelId", first}});
    CHECK(text_at(call("bridges.get", {{"bridgeId", bridge}}), "video_mode") == "single");
    call("bridges.clearVideoSource", {{"bridgeId", bridge}});
    if (call.has("bridges.setBridgeVar")) {
      call("bridges.setBridgeVar", {{"bridgeId", bridge}, {"variable", "TOPIC"}, {"value", "tea, a=b"}});
      CHECK(text_at(call("bridges.getBridgeVar", {{"bridgeId", bridge}, {"variable", "TOPIC"}}), "value") ==
            "tea, a=b");
      call("bridges.setBridgeVars",
           {{"bridgeId", bridge}, json_argument("variables", R"({"TOPIC":"cake","ROOM":"7"})")});
      const Json values = call("bridges.getBridgeVars",
                               {{"bridgeId", bridge}, json_argument("variables", R"(["TOPIC","ROOM"])")});
      CHECK_THAT(to_text(values), ContainsSubstring("cake") && ContainsSubstring("7"));
    }
    call("bridges.removeChannel", {{"bridgeId", bridge}, {"channel", second}});
    program.expect_about("ChannelLeftBridge", second);

    const std::string hall = stage.id("hall");
    CHECK(text_at(call("bridges.createWithId", {{"bridgeId", hall}, {"type", "holding"}}), "id") == hall);
    call("bridges.addChannel", {{"bridgeId", hall}, {"channel", second}, {"role", "participant"}});
    program.expect_about("ChannelEnteredBridge", second,
                         [&](const JsonValue& r) { return about(r, "bridges", hall); });
    call("bridges.destroy", {{"bridgeId", hall}});
    call("bridges.destroy", {{"bridgeId", bridge}});
    call.check_complete();
  });
}

TEST_CASE("a bridge is played to and recorded", "[call][operations]") {
  on_each_version([](const std::string& version) {
    Stage stage(version);
    Program& program = stage.program;
    Calls call(stage, bridge_media_operations);
    const std::string bridge = stage.bridge(stage.id("bridge"), {stage.leg(stage.id("leg"))});
    const std::string sound = stage.id("sound");
    const auto finished = [&](const std::string& playback) {
      // Asterisk says PlaybackStarted a moment before the playback can be stopped: until then it answers 500.
      const std::string stop = object({{"playbackId", playback}});
      CHECK(soon([&] { return program.client().call("playbacks.stop", stop).ok(); }));
      program.expect("PlaybackFinished", [&](const JsonValue& r) { return about(r, "playbacks", playback); });
    };
    const Json first =
        call("bridges.play", {{"bridgeId", bridge}, {"media", "sound:hello"}, {"playbackId", sound}});
    CHECK(text_at(first, "target_uri") == "bridge:" + bridge);
    program.expect("PlaybackStarted");
    finished(sound);
    // The channel that has played leaves the bridge a moment later: until then Asterisk answers 500.
    const std::string again = stage.id("again");
    call.until_accepted("bridges.playWithId",
                        {{"bridgeId", bridge}, {"playbackId", again}, {"media", "sound:hello"}});
    program.expect("PlaybackStarted");
    finished(again);

    const std::string name = stage.id("mix");
    const Json recording = call("bridges.record", {{"bridgeId", bridge}, {"name", name}, {"format", "wav"}});
    CHECK(text_at(recording, "target_uri") == "bridge:" + bridge);
    program.expect("RecordingStarted");
    program.call("recordings.stop", object({{"recordingName", name}}));
    program.expect("RecordingFinished");
    program.call("recordings.deleteStored", object({{"recordingName", name}}));
    call.check_complete();
  });
}

}  // namespace aribus::test
