// The events of bridges, playbacks and recordings, as real Asterisks send them.
#include "tests/call/coverage.h"

namespace aribus::test {
namespace {

const Events bridge_events({"BridgeCreated", "BridgeDestroyed", "BridgeVideoSourceChanged",
                            "ChannelEnteredBridge", "ChannelLeftBridge"});

const Events media_events({"PlaybackStarted", "PlaybackContinuing", "PlaybackFinished", "RecordingStarted",
                           "RecordingFinished", "RecordingFailed"});

}  // namespace

TEST_CASE("the whole life of a bridge is seen by an application that hears of everything", "[call]") {
  on_each_version([](const std::string& version) {
    Stage stage(version, true);
    Program& program = stage.program;
    const std::string first = stage.leg(stage.id("first"));
    const std::string second = stage.leg(stage.id("second"));
    const std::string bridge = stage.bridge(stage.id("bridge"), {first, second});
    const auto ours = [&](const JsonValue& r) { return about(r, "bridges", bridge); };
    program.expect("BridgeCreated", ours);
    for (const std::string& channel : {first, second}) {
      program.call("bridges.setVideoSource", object({{"bridgeId", bridge}, {"channelId", channel}}));
    }
    const Json changed = program.expect("BridgeVideoSourceChanged", [&](const JsonValue& r) {
      return ours(r) && text_at(r, "bridge.video_source_id") == second;
    });
    CHECK(text_at(changed, "old_video_source_id") == first);
    program.call("hangup", object({{"channelId", first}}));
    const Json left = program.expect_about("ChannelLeftBridge", first);
    CHECK(about(left, "bridges", bridge));
    program.call("bridges.destroy", object({{"bridgeId", bridge}}));
    program.expect("BridgeDestroyed", ours);
    bridge_events.check_seen(stage);
  });
}

TEST_CASE("a playback of several sounds continues, and a recording that can't be made fails", "[call]") {
  on_each_version([](const std::string& version) {
    Stage stage(version);
    Program& program = stage.program;
    const std::string leg = stage.leg(stage.id("leg"));
    const std::string playback = stage.id("sounds");
    program.call("channels.play", object({{"channelId", leg},
                                          {"playbackId", playback},
                                          json_argument("media", R"(["sound:digits/1","sound:digits/2"])")}));
    const auto is = [&](const std::string& media) {
      return [&, media](const JsonValue& r) {
        return about(r, "playbacks", playback) && about(r, "channels", leg) &&
               text_at(r, "playback.media_uri") == media;
      };
    };
    program.expect("PlaybackStarted", is("sound:digits/1"));
    program.expect("PlaybackContinuing", is("sound:digits/1"));  // it names the sound that ended
    program.expect("PlaybackStarted", is("sound:digits/2"));
    program.expect("PlaybackFinished", is("sound:digits/2"));

    const auto record = [&](const std::string& name) {
      program.call("channels.record", object({{"channelId", leg}, {"name", name}, {"format", "wav"}}));
    };
    const std::string name = stage.id("kept");
    record(name);
    program.expect("RecordingStarted", [&](const JsonValue& r) { return about(r, "channels", leg); });
    program.call("recordings.stop", object({{"recordingName", name}}));
    const Json finished = program.expect("RecordingFinished");
    CHECK(finished["recording"]["duration"].IsInt());
    program.call("recordings.deleteStored", object({{"recordingName", name}}));

    // A channel in a bridge can't be recorded: ARI accepts the command and reports the failure.
    stage.bridge(stage.id("bridge"), {leg});
    record(stage.id("impossible"));
    const Json failed = program.expect("RecordingFailed", [&](const JsonValue& r) {
      return about(r, "recordings", stage.id("impossible"));
    });
    CHECK(text_at(failed, "recording.state") == "failed");
    media_events.check_seen(stage);
  });
}

}  // namespace aribus::test
