// Commands that wait for an end which Asterisk tells to nobody, or to somebody else.
#include <chrono>
#include <optional>

#include "tests/call/stage.h"

namespace {

using namespace aribus;
using namespace aribus::test;
using Clock = std::chrono::steady_clock;

// What a busy machine may add to the times of docs/protocol.md, "Waiting".
constexpr std::chrono::seconds busy{15};

// Another client of the same Asterisk. It is an aribusd, too.
struct OtherClient {
  OtherClient(const Stage& stage, const std::string& app)
      : daemon({stage.asterisk.server(app)}), program((daemon.wait_ready(), daemon.connect())) {}

  // A channel of its own.
  std::string leg(const std::string& id) {
    program.call("originate", object({{"endpoint", "Local/answer@default"}, {"channelId", id}}));
    program.expect_about("StasisStart", id);
    return id;
  }
  // A bridge of its own, of which nobody else is told.
  std::string bridge(const std::string& id, const std::vector<std::string>& channels) {
    program.call("bridges.create", object({{"bridgeId", id}, {"type", "mixing"}}));
    for (const std::string& channel : channels) add(id, channel);
    return id;
  }
  void add(const std::string& bridge, const std::string& channel) {
    program.call("bridges.addChannel", object({{"bridgeId", bridge}, {"channel", channel}}));
  }
  // Waits until it is told of this.
  void hears(const std::string& type, const std::string& id) {
    program.expect(type, [&](const JsonValue& record) {
      return text_at(record, "playback.id") == id || text_at(record, "recording.name") == id;
    });
  }

  Daemon daemon;
  Program program;
};

// A command with `wait`, sent over a connection of its own.
struct Waiting {
  Waiting(const Stage& stage, const std::string& method, const std::string& params)
      : caller(stage.daemon.connect()), number(caller.send(method, params).value()) {}

  // How it fails; throws when it does not, or not in time.
  Error error(std::chrono::milliseconds within) {
    auto answer = caller.wait(number, within + busy);
    if (answer) throw std::runtime_error("it did not fail: " + to_text(*answer));
    return answer.error();
  }
  // It fails as what is there no more, and no event reported how it ended.
  void ends_unseen(std::string_view noun, std::string_view id_name, const std::string& id,
                   std::chrono::milliseconds within) {
    const Error failed = error(within);
    CHECK(failed.kind == ErrorKind::outcome_unknown);
    CHECK(failed.message == "the " + std::string(noun) + " has ended, and no event reported how");
    CHECK(failed.data == R"({")" + std::string(id_name) + R"(":")" + id + R"(","exists":false})");
  }

  client::Connection caller;
  uint64_t number;
};

constexpr std::chrono::milliseconds at_once{0};
// From the end of what is looked for: when there is doubt whether its end is told, and at a record with which
// its events may have ended.
constexpr std::chrono::milliseconds in_doubt{2500}, after_record{750};

std::string playing(const char* on, const std::string& target, const std::string& id) {
  return object({{on, target}, {"media", "sound:hello-world"}, {"playbackId", id}, {"wait", true}});
}

std::string recording(const char* on, const std::string& target, const std::string& name, int seconds = 1) {
  return object({{on, target},
                 {"name", name},
                 {"format", "wav"},
                 {"ifExists", "overwrite"},
                 {"maxDurationSeconds", seconds},
                 {"wait", true}});
}

void delete_stored(Stage& stage, const std::string& name) {
  static_cast<void>(stage.program.client().call("recordings.deleteStored", named(name)));
}

}  // namespace

TEST_CASE("play and record on a bridge or channel that only others hear end when that is over", "[call]") {
  on_each_version([](const std::string& version) {
    Stage stage(version);
    OtherClient other(stage, fresh_app());
    const std::string leg = other.leg(stage.id("theirs"));
    const std::string bridge = other.bridge(stage.id("bridge"), {leg});

    Waiting played(stage, "play", playing("bridgeId", bridge, stage.id("p1")));
    other.hears("PlaybackFinished", stage.id("p1"));
    played.ends_unseen("playback", "playbackId", stage.id("p1"), in_doubt);

    Waiting recorded(stage, "record", recording("bridgeId", bridge, stage.id("r1")));
    other.hears("RecordingFinished", stage.id("r1"));
    recorded.ends_unseen("recording", "name", stage.id("r1"), in_doubt);

    // That nobody is in.
    const std::string empty = other.bridge(stage.id("empty"), {});
    Waiting unheard(stage, "play", playing("bridgeId", empty, stage.id("p2")));
    unheard.ends_unseen("playback", "playbackId", stage.id("p2"), in_doubt + std::chrono::seconds(3));

    const std::string free = other.leg(stage.id("free"));
    Waiting on_channel(stage, "play", playing("channelId", free, stage.id("p3")));
    other.hears("PlaybackFinished", stage.id("p3"));
    on_channel.ends_unseen("playback", "playbackId", stage.id("p3"), in_doubt);
    delete_stored(stage, stage.id("r1"));
  });
}

TEST_CASE("a play on a bridge ends although the channel through which that was heard is taken out of it",
          "[call]") {
  on_each_version([](const std::string& version) {
    Stage stage(version);
    OtherClient other(stage, fresh_app());
    const std::string bridge = other.bridge(stage.id("bridge"), {other.leg(stage.id("theirs"))});
    const std::string ours = stage.leg(stage.id("ours"), "answer");
    other.add(bridge, ours);
    stage.program.expect_about("ChannelEnteredBridge", ours);
    const std::string id = stage.id("p");
    Waiting played(
        stage, "play",
        object({{"bridgeId", bridge}, {"media", "sound:vm-intro"}, {"playbackId", id}, {"wait", true}}));
    other.hears("PlaybackStarted", id);
    other.program.call("bridges.removeChannel", object({{"bridgeId", bridge}, {"channel", ours}}));
    stage.program.expect_about("ChannelLeftBridge", ours);
    other.hears("PlaybackFinished", id);
    played.ends_unseen("playback", "playbackId", id, in_doubt);
  });
}

// Asterisk tells nobody of it, unless the bridge ends soon after the recording began.
TEST_CASE("a record ends with its bridge", "[call]") {
  on_each_version([](const std::string& version) {
    Stage stage(version);
    const std::string ours = stage.leg(stage.id("ours"), "answer");
    const std::string bridge = stage.bridge(stage.id("bridge"), {ours});
    const std::string name = stage.id("r");
    Waiting recorded(stage, "record", recording("bridgeId", bridge, name, 600));
    stage.program.expect("RecordingStarted",
                         [&](const JsonValue& record) { return text_at(record, "recording.name") == name; });
    stage.program.call("bridges.destroy", object({{"bridgeId", bridge}}));
    const auto answer = recorded.caller.wait(recorded.number, after_record + busy);
    if (answer) {
      CHECK(text_at(*answer, "state") == "done");
      CHECK(text_at(*answer, "target_uri") == "bridge:" + bridge);
    } else {
      CHECK(answer.error().data == R"({"name":")" + name + R"(","exists":false})");
    }
    delete_stored(stage, name);
  });
}

TEST_CASE("what another client takes meanwhile with its application ends", "[call]") {
  on_each_version([](const std::string& version) {
    Stage stage(version);
    const std::string ours = stage.leg(stage.id("ours"), "answer");
    const std::string id = stage.id("p"), call = stage.id("ringing");
    Waiting played(
        stage, "play",
        object({{"channelId", ours}, {"media", "sound:vm-intro"}, {"playbackId", id}, {"wait", true}}));
    stage.program.expect("PlaybackStarted",
                         [&](const JsonValue& record) { return text_at(record, "playback.id") == id; });
    const std::string originate =
        object({{"endpoint", "Local/ring@default"}, {"channelId", call}, {"wait", "answer"}});
    Waiting originated(stage, "originate", originate);
    stage.program.expect_about("ChannelStateChange", call);  // it rings

    std::optional<OtherClient> thief(std::in_place, stage, stage.app);
    stage.program.expect("server.replaced");
    const Error lost = originated.error(at_once);
    CHECK(lost.kind == ErrorKind::outcome_unknown);
    CHECK(lost.message ==
          "another client has taken the application '" + stage.app + "' before the end was reported");
    const Json data = parse_json(lost.data).value();
    CHECK(text_at(data, "channelId") == call);
    const std::string command = text_at(data, "command");
    CHECK_FALSE(command.empty());
    CHECK(text_at(stage.program.expect(
                      "command.resolved",
                      [&](const JsonValue& record) { return text_at(record, "command") == command; }),
                  "outcome") == "done");
    thief->hears("PlaybackFinished", id);
    played.ends_unseen("playback", "playbackId", id, in_doubt);

    // While it has it.
    Waiting again(stage, "play", playing("channelId", ours, stage.id("p2")));
    thief->hears("PlaybackFinished", stage.id("p2"));
    again.ends_unseen("playback", "playbackId", stage.id("p2"), in_doubt);
    CHECK(stage.program.refused("originate", originate).kind == ErrorKind::not_connected);
  });
}

TEST_CASE("what a reload takes away with its application ends", "[call]") {
  on_each_version([](const std::string& version) {
    Stage stage(version);
    const std::string more = fresh_app();
    Server server = stage.asterisk.server(stage.app);
    server.apps = {stage.app, more};
    stage.daemon.configure({server});
    stage.daemon.reload();
    stage.daemon.wait_ready();
    const std::string leg = stage.id("leg"), call = stage.id("ringing"), id = stage.id("p");
    stage.program.call("originate",
                       object({{"endpoint", "Local/answer@default"}, {"channelId", leg}, {"app", more}}));
    stage.program.expect_about("StasisStart", leg);
    Waiting played(
        stage, "play",
        object({{"channelId", leg}, {"media", "sound:vm-intro"}, {"playbackId", id}, {"wait", true}}));
    stage.program.expect("PlaybackStarted",
                         [&](const JsonValue& record) { return text_at(record, "playback.id") == id; });
    Waiting originated(
        stage, "originate",
        object({{"endpoint", "Local/ring@default"}, {"channelId", call}, {"app", more}, {"wait", "answer"}}));
    stage.program.expect_about("ChannelStateChange", call);  // it rings

    server.apps = {stage.app};
    stage.daemon.configure({server});
    stage.daemon.reload();
    const Error lost = originated.error(at_once);
    CHECK(lost.kind == ErrorKind::outcome_unknown);
    CHECK(lost.message ==
          "the application '" + more + "' was taken out of the configuration before the end was reported");
    // The sound has some 6 s.
    played.ends_unseen("playback", "playbackId", id, in_doubt + std::chrono::seconds(6));
    static_cast<void>(stage.program.client().call("hangup", params(leg)));
    static_cast<void>(stage.program.client().call("hangup", params(call)));
  });
}

TEST_CASE("the end of an earlier recording or playback of the same id, elsewhere, answers nobody else",
          "[call]") {
  on_each_version([](const std::string& version) {
    Stage stage(version);
    OtherClient other(stage, fresh_app());
    const std::string theirs = other.leg(stage.id("theirs")), ours = stage.leg(stage.id("ours"), "answer");
    const std::string id = stage.id("p");
    Waiting first(
        stage, "play",
        object({{"channelId", theirs}, {"media", "sound:vm-intro"}, {"playbackId", id}, {"wait", true}}));
    other.hears("PlaybackStarted", id);
    stage.program.call("playbacks.stop", object({{"playbackId", id}}));
    const Json second = stage.program.call("play", playing("channelId", ours, id));
    CHECK(text_at(second, "target_uri") == "channel:" + ours);
    CHECK(text_at(second, "state") == "done");
    first.ends_unseen("playback", "playbackId", id, in_doubt);
  });
}
