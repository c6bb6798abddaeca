// ARI's operations on what is played and recorded, as methods of the socket.
#include "tests/call/coverage.h"
#include "tests/support/soon.h"

namespace aribus::test {
namespace {

const Operations playback_operations({"channels.play", "channels.playWithId", "playbacks.control",
                                      "playbacks.get", "playbacks.stop"});

const Operations recording_operations({"channels.record", "recordings.cancel", "recordings.copyStored",
                                       "recordings.deleteStored", "recordings.getLive",
                                       "recordings.getStored", "recordings.getStoredFile",
                                       "recordings.listStored", "recordings.mute", "recordings.pause",
                                       "recordings.stop", "recordings.unmute", "recordings.unpause"});

}  // namespace

TEST_CASE("a playback is looked at, controlled and stopped", "[call][operations]") {
  on_each_version([](const std::string& version) {
    Stage stage(version);
    Program& program = stage.program;
    Calls call(stage, playback_operations);
    const std::string leg = stage.leg(stage.id("leg"), "answer");
    const auto is = [](const std::string& playback) {
      return [playback](const JsonValue& r) { return about(r, "playbacks", playback); };
    };
    const std::string first = stage.id("first");
    call("channels.play", {{"channelId", leg}, {"media", "sound:tt-monkeys"}, {"playbackId", first}});
    program.expect("PlaybackStarted", is(first));
    CHECK(text_at(call("playbacks.get", {{"playbackId", first}}), "state") == "playing");
    // Asterisk says PlaybackStarted a moment before the playback can be controlled: until then it answers 500.
    const std::string pause = object({{"playbackId", first}, {"operation", "pause"}});
    for (int i = 0; i < 50 && !program.client().call("playbacks.control", pause); ++i) {
    }
    for (const char* operation : {"pause", "unpause", "forward", "reverse", "restart"}) {
      call("playbacks.control", {{"playbackId", first}, {"operation", operation}});
    }
    call("playbacks.stop", {{"playbackId", first}});
    program.expect("PlaybackFinished", is(first));
    const std::string second = stage.id("second");
    const Json playing = call(
        "channels.playWithId",
        {{"channelId", leg}, {"playbackId", second}, json_argument("media", R"(["digits:1","number:2"])")});
    CHECK(text_at(playing, "id") == second);
    program.expect("PlaybackFinished", is(second));
    call.check_complete();
  });
}

TEST_CASE("a recording is paused, muted, stopped, copied, fetched and deleted", "[call][operations]") {
  on_each_version([](const std::string& version) {
    Stage stage(version);
    Program& program = stage.program;
    Calls call(stage, recording_operations);
    const std::string leg = stage.leg(stage.id("leg"), "tone");
    const auto start = [&](const std::string& name) {
      call("channels.record", {{"channelId", leg}, {"name", name}, {"format", "wav"}, {"ifExists", "fail"}});
      program.expect("RecordingStarted", [&](const JsonValue& r) { return about(r, "recordings", name); });
    };
    const std::string dropped = stage.id("dropped");
    start(dropped);
    call("recordings.getLive", {{"recordingName", dropped}});
    call("recordings.pause", {{"recordingName", dropped}});
    call("recordings.cancel", {{"recordingName", dropped}});

    const std::string name = "aribus-test/" + stage.id("kept é 1");
    start(name);
    CHECK(text_at(call("recordings.getLive", {{"recordingName", name}}), "state") == "recording");
    for (const char* operation : {"recordings.pause", "recordings.unpause", "recordings.mute",
                                  "recordings.unmute", "recordings.stop"}) {
      call(operation, {{"recordingName", name}});
    }
    program.expect("RecordingFinished", [&](const JsonValue& r) { return about(r, "recordings", name); });
    CHECK(text_at(call("recordings.getStored", {{"recordingName", name}}), "format") == "wav");
    // Asterisk refuses with 500 when a file goes away while it looks at them: other tests record, too.
    CHECK_THAT(to_text(soon_returned([&] { return call("recordings.listStored"); })), ContainsSubstring(stage.app));
    const std::string copy = stage.id("copy");
    CHECK(
        text_at(call("recordings.copyStored", {{"recordingName", name}, {"destinationRecordingName", copy}}),
                "name") == copy);
    CHECK(text_at(call("recordings.getStoredFile", {{"recordingName", copy}}), "data").starts_with("UklGR"));
    call("recordings.deleteStored", {{"recordingName", copy}});
    call("recordings.deleteStored", {{"recordingName", name}});
    call.check_complete();
  });
}

}  // namespace aribus::test
