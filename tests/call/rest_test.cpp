// Requests over the WebSocket of a real Asterisk: what they can't do there, and what goes over HTTP instead.
#include "tests/call/stage.h"
#include "tests/support/soon.h"

namespace aribus::test {
namespace {

// An aribusd whose requests go over the WebSocket where they can.
struct OverWebSocket {
  explicit OverWebSocket(const std::string& version)
      : app(fresh_app()),
        daemon({server(Asterisk::running(version), app)}),
        program((daemon.wait_ready(), daemon.connect())) {}

  static Server server(const Asterisk& asterisk, const std::string& app) {
    Server server = asterisk.server(app);
    server.more = "    rest: auto\n";
    return server;
  }
  // Requests go that way soon.
  bool goes(const std::string& way) {
    return soon([&] { return text_at(program.call("status")["servers"][0], "rest") == way; });
  }

  std::string app;
  Daemon daemon;
  Program program;
};

}  // namespace

TEST_CASE("requests go over the WebSocket where Asterisk takes them", "[call]") {
  on_each_version([](const std::string& version) {
    OverWebSocket stage(version);
    CHECK(stage.goes(version == "16" ? "http" : "websocket"));
    CHECK(stage.program.call("asterisk.ping").IsObject());
  });
}

TEST_CASE("an event filter that drops the answers sends requests over HTTP, and its end back", "[call]") {
  on_each_version([](const std::string& version) {
    if (version == "16") return;
    OverWebSocket stage(version);
    REQUIRE(stage.goes("websocket"));
    const auto filter = [&](const std::string& text) {
      stage.program.call("applications.filter",
                         object({{"applicationName", stage.app}, json_argument("filter", text)}));
    };
    filter(R"({"allowed":[{"type":"StasisStart"}]})");
    CHECK(stage.program.call("asterisk.ping").IsObject());
    CHECK(stage.goes("http"));
    filter(R"({"allowed":[{"type":"StasisStart"},{"type":"RESTResponse"}]})");
    CHECK(stage.goes("websocket"));
    CHECK(stage.program.call("asterisk.ping").IsObject());
  });
}

TEST_CASE("a request that waits for a playback holds up no other", "[call]") {
  on_each_version([](const std::string& version) {
    if (version == "16") return;
    OverWebSocket stage(version);
    REQUIRE(stage.goes("websocket"));
    Program& program = stage.program;
    const std::string channel = stage.app + "-c";
    program.call("originate", object({{"endpoint", "Local/answer@default"}, {"channelId", channel}}));
    program.expect_about("StasisStart", channel);
    program.call("play", object({{"channelId", channel}, {"media", "sound:demo-congrats"}}));
    program.expect("PlaybackStarted");
    const std::string variable = object({{"channelId", channel}, {"variable", "X"}, {"value", "y"}});
    const auto waits = program.client().send("channels.setChannelVar", variable);
    // One that waited for it would not be answered in time: the playback is longer than request_timeout.
    for (int i = 0; i < 20; ++i) program.call("asterisk.ping");
    Program other(stage.daemon.connect());
    other.call("hangup", object({{"channelId", channel}}));
    static_cast<void>(program.client().wait(*waits));
  });
}

TEST_CASE("what is too long for the WebSocket, or binary, comes all the same", "[call]") {
  on_each_version([](const std::string& version) {
    if (version == "16") return;
    OverWebSocket stage(version);
    REQUIRE(stage.goes("websocket"));
    Program& program = stage.program;
    const std::string channel = stage.app + "-c";
    // 36 KB, as much as Asterisk takes over HTTP, and 72 KB as a text in a text.
    std::string quotes;
    for (int i = 0; i < 18'000; ++i) quotes += R"(\")";
    const std::string large = R"({"A":")" + quotes + "\"}";
    program.call("originate", object({{"endpoint", "Local/answer@default"},
                                      {"channelId", channel},
                                      json_argument("variables", large)}));
    program.expect_about("StasisStart", channel);
    const std::string name = stage.app + "-r";
    program.call("channels.record", params(channel, R"("format":"wav","name":")" + name + "\""));
    program.expect("RecordingStarted");
    program.call("recordings.stop", named(name));
    program.expect("RecordingFinished");
    CHECK(text_at(program.call("recordings.getStoredFile", named(name)), "data").starts_with("UklGR"));
    CHECK(text_at(program.call("ari.request",
                               R"({"method":"GET","path":"/recordings/stored/)" + name + R"(/file"})"),
                  "data")
              .starts_with("UklGR"));
    program.call("recordings.deleteStored", named(name));
    program.call("hangup", object({{"channelId", channel}}));
    CHECK(stage.goes("websocket"));
  });
}

}  // namespace aribus::test
