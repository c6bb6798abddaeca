// What is known of a real Asterisk is what it answers, and without a gap no event of its own kind is
// invented.
#include <algorithm>

#include "tests/call/stage.h"
#include "tests/support/soon.h"

namespace aribus::test {
namespace {

// An aribusd that holds two applications, and a program.
struct TwoApps {
  explicit TwoApps(const std::string& version)
      : asterisk(Asterisk::running(version)),
        first(fresh_app()),
        second(first + "b"),
        daemon({server()}, "bus:\n  path: " + Daemon::own_path("bus.log") + "\n  ring_bytes: 4MiB\n"),
        program((daemon.wait_ready(), daemon.connect())) {}
  ~TwoApps() {
    for (const std::string& channel : channels)
      static_cast<void>(program.client().call("hangup", object({{"channelId", channel}})));
  }

  [[nodiscard]] Server server() const {
    Server server = asterisk.server(first);
    server.apps.push_back(second);
    return server;
  }
  [[nodiscard]] std::string id(const std::string& name) const { return first + "-" + name; }
  // A channel in the first application, which an answered one of the dialplan is at the other end of.
  std::string call(const std::string& name, const std::string& args = {}) {
    channels.push_back(id(name));
    program.call("originate", object({{"endpoint", "Local/answer@default"},
                                      {"channelId", id(name)},
                                      {"app", first},
                                      {"appArgs", args}}));
    program.expect_about("StasisStart", id(name));
    return id(name);
  }
  // Waits until all that Asterisk answers was looked at: what was changed on `channel` without an event is
  // told.
  void wait_for_look(const std::string& channel, const std::string& language) {
    program.call("channels.setChannelVar",
                 object({{"channelId", channel}, {"variable", "CHANNEL(language)"}, {"value", language}}));
    program.expect(
        "state.changed",
        [&](const JsonValue& record) {
          const JsonValue* objects = find(record, "objects");
          const JsonValue* list = objects == nullptr ? nullptr : find(*objects, "channels");
          if (list == nullptr) return false;
          return std::ranges::any_of(list->GetArray(), [&](const JsonValue& item) {
            return text_at(item, "channel.id") == channel && text_at(item, "channel.language") == language;
          });
        },
        std::chrono::seconds(40));
  }
  // The one thing of that id in state.channels and its kin; "null" when there is none.
  Json known(const std::string& kind, const std::string& id) {
    const Json answer = program.call("state." + kind, object({{"id", id}}));
    return answer[kind.c_str()].Empty() ? Json() : copy_of(answer[kind.c_str()][0]);
  }
  std::string app_of(const std::string& channel) { return text_at(known("channels", channel), "app"); }
  [[nodiscard]] std::vector<std::string> invented() const {
    std::vector<std::string> types;
    for (const Json& record : program.records()) {
      if (find(record, "synthetic") != nullptr) types.push_back(text_at(record, "type"));
    }
    return types;
  }

  Asterisk asterisk;
  std::string first, second;
  Daemon daemon;
  Program program;
  std::vector<std::string> channels;
};

}  // namespace

TEST_CASE("a call is in the application that it was moved to, or that claimed it, and nothing is invented",
          "[call]") {
  on_each_version([](const std::string& version) {
    TwoApps stage(version);
    const std::string moved = stage.call("moved", "first,1"), stays = stage.call("stays");
    stage.program.call("channels.move",
                       object({{"channelId", moved}, {"app", stage.second}, {"appArgs", "x"}}));
    stage.program.expect_about("StasisStart", moved);
    std::string claimed;
    if (version != "16") {
      claimed = stage.id("claimed");
      stage.channels.push_back(claimed);
      stage.program.call("originate", object({{"endpoint", "Local/" + stage.first + "@broadcast"},
                                              {"otherChannelId", claimed},
                                              {"channelId", stage.id("caller")},
                                              {"context", "default"},
                                              {"extension", "answer"},
                                              json_argument("app", "null")}));
      stage.program.expect_about("CallBroadcast", claimed);
      stage.program.call("events.claimChannel",
                         object({{"channelId", claimed}, {"application", stage.first}}));
      stage.program.expect_about("StasisStart", claimed);
    }
    stage.wait_for_look(stays, "de");
    CHECK(stage.app_of(moved) == stage.second);
    CHECK(stage.app_of(stays) == stage.first);
    if (!claimed.empty()) CHECK(stage.app_of(claimed) == stage.first);
    CHECK(stage.invented().empty());

    // What was told before a gap holds after it.
    stage.daemon.restart();
    stage.daemon.wait_ready();
    Program program(stage.daemon.connect());
    const auto app_of = [&](const std::string& channel) {
      const Json answer = program.call("state.channels", object({{"id", channel}}));
      return answer["channels"].Empty() ? "" : text_at(answer["channels"][0], "app");
    };
    CHECK(app_of(moved) == stage.second);
    CHECK(app_of(stays) == stage.first);
    if (!claimed.empty()) CHECK(app_of(claimed) == stage.first);
    for (const std::string& channel : stage.channels)
      program.call("hangup", object({{"channelId", channel}}));
    stage.channels.clear();
  });
}

TEST_CASE("arguments that are found by looking are those that Asterisk gives", "[call]") {
  on_each_version([](const std::string& version) {
    for (const char* args :
         {R"("Smith, John",f(1,2),a\,b,[c,d],)", "plain,two", R"(a""b,"c""d", e )", "it's,(x[y,z],1)"}) {
      INFO(args);
      Stage stage(version);
      Program& program = stage.program;
      const std::string channel = stage.id("call");
      program.call("originate",
                   object({{"endpoint", "Local/answer@default"}, {"channelId", channel}, {"appArgs", args}}));
      const std::string given = to_text(program.expect_about("StasisStart", channel)["args"]);
      // One that knows nothing of the call takes the application over.
      const Daemon other({stage.asterisk.server(stage.app)}, "bus:\n  ring_bytes: 1MiB\n");
      other.wait_ready();
      Program finder(other.connect(), R"({"snapshot":true})");
      const Json found = finder.call("state.channels", object({{"id", channel}}));
      REQUIRE(found["channels"].Size() == 1);
      CHECK(text_at(found["channels"][0], "app") == stage.app);
      const Json cursor = finder.call("hello");
      const std::string stream = text_at(cursor, "cursor").substr(0, text_at(cursor, "cursor").find(':'));
      Program replay(other.connect(), object({{"since", stream + ":0"}}));
      const Json start = replay.expect_about("StasisStart", channel);
      CHECK(start["synthetic"].IsTrue());
      CHECK(to_text(start["args"]) == given);
      finder.call("hangup", object({{"channelId", channel}}));
    }
  });
}

TEST_CASE("a bridge that a program makes is told of to its end, and what can't be played is told at once",
          "[call]") {
  on_each_version([](const std::string& version) {
    TwoApps stage(version);
    Program& program = stage.program;
    const std::string bridge = stage.id("bridge");
    program.call("bridges.createWithId", object({{"bridgeId", bridge}, {"type", "mixing"}}));
    CHECK(text_at(stage.known("bridges", bridge), "bridge.id") == bridge);
    const std::string call = stage.call("call");
    program.call("bridges.addChannel", object({{"bridgeId", bridge}, {"channel", call}}));
    program.call("bridges.removeChannel", object({{"bridgeId", bridge}, {"channel", call}}));
    program.expect_about("ChannelLeftBridge", call);
    stage.wait_for_look(call, "de");
    CHECK(text_at(stage.known("bridges", bridge), "bridge.id") == bridge);
    program.call("bridges.destroy", object({{"bridgeId", bridge}}));
    const auto of_bridge = [&](const JsonValue& record) { return about(record, "bridges", bridge); };
    program.expect("BridgeDestroyed", of_bridge);
    CHECK(stage.known("bridges", bridge).IsNull());
    CHECK(soon([&] {  // Asterisk 16 forgets it a moment after it has told
      const Json application = program.call("applications.get", object({{"applicationName", stage.first}}));
      return application["bridge_ids"].Empty();
    }));

    const Json ended = program.call(
        "play", object({{"channelId", call}, {"media", "recording:nosuch-" + call}, {"wait", true}}));
    CHECK(text_at(ended, "state") == "failed");

    // Asterisk does not tell that it pauses.
    const std::string playback = stage.id("playback");
    program.call("play",
                 object({{"channelId", call}, {"media", "sound:demo-congrats"}, {"playbackId", playback}}));
    program.expect("PlaybackStarted",
                   [&](const JsonValue& record) { return about(record, "playbacks", playback); });
    CHECK(soon([&] {  // Asterisk 16 may tell that it plays a moment before it can pause
      return program.client()
          .call("playbacks.control", object({{"playbackId", playback}, {"operation", "pause"}}))
          .ok();
    }));
    stage.wait_for_look(stage.call("another"),
                        "fr");  // what is played holds up what is to be set on its channel
    CHECK(text_at(stage.known("playbacks", playback), "playback.state") == "paused");
    const auto came = [&](const std::string& type) {
      return std::ranges::count_if(program.records(),
                                   [&](const Json& record) { return text_at(record, "type") == type; });
    };
    CHECK(came("BridgeDestroyed") == 1);
    CHECK(came("ChannelEnteredBridge") == 1);
    CHECK(came("ChannelLeftBridge") == 1);
    CHECK(came("PlaybackStarted") == 2);  // of that which could not be played, too
    CHECK(stage.invented().empty());
  });
}

}  // namespace aribus::test
