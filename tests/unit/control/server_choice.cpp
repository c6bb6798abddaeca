// Which Asterisk a command goes to.
#include "control/server_choice.h"

#include "control/dispatcher.h"
#include "tests/catch.h"
#include "tests/unit/control/caller.h"
#include "tests/unit/pbx/test_server.h"

using namespace aribus;
using namespace aribus::control;
using namespace aribus::pbx;
using aribus::record::IdKind;
using aribus::test::json;

namespace {

std::string channel(const std::string& id) {
  return R"({"id":")" + id +
         R"(","name":"PJSIP/1","state":"Up","creationtime":"2026-11-22T21:46:17.690+0000"})";
}
std::string bridge(const std::string& id, const std::string& channels) {
  return R"({"id":")" + id + R"(","technology":"simple_bridge","channels":[)" + channels +
         R"(],"creationtime":"2026-11-22T21:46:17.690+0000"})";
}

// Three Asterisks. The test sets which objects live on each.
struct Choice {
  Loop loop;
  std::vector<std::unique_ptr<test::TestServer>> servers;
  Dispatcher dispatcher{test::asterisk_methods()};
  AccessRule rule{.name = "all", .methods = {"read", "control", "admin"}, .functions = {"*"}};

  explicit Choice(const std::vector<std::string>& names = {"pbx1", "pbx2", "pbx3"}) {
    for (const std::string& name : names) add(name);
  }
  void add(const std::string& name) {
    servers.push_back(std::make_unique<test::TestServer>(loop, test::client_options(test::nowhere), name));
    dispatcher.add_server(*servers.back());
  }
  void event(const std::string& server, const std::string& type, const std::string& fields,
             const std::string& app = "demo") {
    const std::string text = R"({"type":")" + type + R"(","application":")" + app + "\"," + fields + "}";
    const auto at = std::ranges::find_if(servers, [&](const auto& one) { return one->name() == server; });
    REQUIRE(at != servers.end());
    (*at)->event(text);
  }
  void channel_comes(const std::string& server, const std::string& id, const std::string& app = "demo") {
    event(server, "StasisStart", R"("args":[],"channel":)" + channel(id), app);
  }
  void channel_ends(const std::string& server, const std::string& id) {
    event(server, "ChannelDestroyed", R"("cause":16,"cause_txt":"x","channel":)" + channel(id));
  }
  void bridge_comes(const std::string& server, const std::string& id, const std::string& app = "demo",
                    const std::string& channels = "") {
    event(server, "BridgeCreated", "\"bridge\":" + bridge(id, channels), app);
  }
  void bridge_ends(const std::string& server, const std::string& id) {
    event(server, "BridgeDestroyed", "\"bridge\":" + bridge(id, ""));
  }
  void recording_starts(const std::string& server, const std::string& name) {
    event(server, "RecordingStarted",
          R"("recording":{"name":")" + name +
              R"(","format":"wav","state":"recording","target_uri":"channel:c0"})");
  }
  void recording_ends(const std::string& server, const std::string& name) {
    event(
        server, "RecordingFinished",
        R"("recording":{"name":")" + name + R"(","format":"wav","state":"done","target_uri":"channel:c0"})");
  }
  // The name of the server, or why there is none.
  std::string operator()(const std::string& method, std::string_view params) {
    std::optional<Error> error;
    const Caller caller{.principal = {.name = "tester", .rule = std::make_shared<const AccessRule>(rule)}};
    dispatcher.call(caller, method, json(params),
                    [&](const Result<ResultText>& got) { error = got.error(); });
    REQUIRE(error);
    if (error->kind == ErrorKind::not_connected) return std::string(find_string(json(error->data), "server"));
    CHECK(error->kind == ErrorKind::invalid_params);
    return error->message;
  }
};

constexpr auto unknown =
    "server: missing, and no id in the parameters is known to live on one; one of pbx1, pbx2, pbx3 is "
    "expected";

}  // namespace

TEST_CASE("an id that lives on one Asterisk is found there, wherever it was used before") {
  Choice choice;
  choice.bridge_comes("pbx1", "sales");
  CHECK(choice("bridges.destroy", R"({"bridgeId":"sales"})") == "pbx1");
  choice.bridge_ends("pbx1", "sales");
  choice.bridge_comes("pbx2", "sales");
  CHECK(choice("bridges.destroy", R"({"bridgeId":"sales"})") == "pbx2");
  choice.bridge_ends("pbx1", "sales");  // once more, for another application
  CHECK(choice("bridges.destroy", R"({"bridgeId":"sales"})") == "pbx2");
  choice.recording_starts("pbx1", "voicemail");
  choice.recording_ends("pbx1", "voicemail");
  choice.recording_starts("pbx2", "voicemail");
  choice.recording_ends("pbx2", "voicemail");
  choice.recording_starts("pbx1", "voicemail");
  CHECK(choice("recordings.stop", R"({"recordingName":"voicemail"})") == "pbx1");
}

TEST_CASE("what lived before there were several Asterisks is found") {
  Choice choice({"pbx1"});
  choice.channel_comes("pbx1", "c1");
  choice.add("pbx2");
  CHECK(choice("channels.answer", R"({"channelId":"c1"})") == "pbx1");
}

TEST_CASE("an id that lives on several Asterisks is refused, and where it lives is told") {
  Choice choice;
  choice.bridge_comes("pbx1", "sales");
  choice.bridge_comes("pbx2", "sales");
  CHECK(choice("bridges.destroy", R"({"bridgeId":"sales"})") ==
        "server: missing, and bridge 'sales' lives on pbx1 and pbx2; one of pbx1, pbx2 is expected");
  CHECK(choice("bridges.destroy", R"({"bridgeId":"sales","server":"pbx2"})") == "pbx2");
  choice.bridge_comes("pbx3", "sales");
  choice.channel_comes("pbx1", "c1");
  choice.channel_comes("pbx3", "c1");
  CHECK(choice("bridges.addChannel", R"({"bridgeId":"sales","channel":"c1"})") ==
        "server: missing, and channel 'c1' lives on pbx1 and pbx3; one of pbx1, pbx3 is expected");
  choice.channel_comes("pbx3", "c2");
  CHECK(choice("bridges.addChannel", R"({"bridgeId":"sales","channel":["c1","c2"]})") == "pbx3");
  choice.bridge_ends("pbx1", "sales");
  choice.bridge_ends("pbx2", "sales");
  CHECK(choice("bridges.destroy", R"({"bridgeId":"sales"})") == "pbx3");
}

TEST_CASE("a command that names objects on different Asterisks is refused, and the message names both") {
  Choice choice;
  choice.bridge_comes("pbx1", "b1");
  choice.channel_comes("pbx1", "c1");
  choice.channel_comes("pbx2", "c2");
  const std::string both = "server: no Asterisk has all that is named: ";
  CHECK(choice("bridges.addChannel", R"({"bridgeId":"b1","channel":"c2"})") ==
        both + "bridge 'b1' lives on pbx1, channel 'c2' lives on pbx2");
  CHECK(choice("bridges.addChannel", R"({"bridgeId":"b1","channel":["c1","c2"]})") ==
        both + "bridge 'b1' lives on pbx1, channel 'c2' lives on pbx2");
  CHECK(choice("bridge", R"({"channels":["c1","c2"]})") ==
        both + "channel 'c1' lives on pbx1, channel 'c2' lives on pbx2");
  CHECK(choice("bridges.addChannel", R"({"bridgeId":"b1","channel":["c1"]})") == "pbx1");
}

TEST_CASE("when nothing that is named lives, the place counts where it was last known") {
  Choice choice;
  choice.channel_comes("pbx1", "c1");
  choice.channel_ends("pbx1", "c1");
  CHECK(choice("channels.get", R"({"channelId":"c1"})") == "pbx1");
  choice.channel_comes("pbx2", "c1");
  choice.channel_ends("pbx2", "c1");
  CHECK(choice("channels.get", R"({"channelId":"c1"})") == "pbx2");
  CHECK(choice("channels.get", R"({"channelId":"c2"})") == unknown);
  choice.recording_starts("pbx3", "voicemail");
  choice.recording_ends("pbx3", "voicemail");
  CHECK(choice("recordings.getStoredFile", R"({"recordingName":"voicemail"})") == "pbx3");
}

TEST_CASE("what lives counts before what is only remembered") {
  Choice choice;
  choice.channel_comes("pbx1", "c1");
  choice.bridge_comes("pbx2", "b1");
  choice.bridge_ends("pbx2", "b1");
  CHECK(choice("bridges.addChannel", R"({"bridgeId":"b1","channel":"c1"})") == "pbx1");
}

TEST_CASE("the id of what is to be made decides only where nothing else does") {
  Choice choice;
  choice.channel_comes("pbx1", "c1");
  choice.channel_comes("pbx2", "c2");
  choice.bridge_comes("pbx2", "b1");
  choice.recording_starts("pbx2", "voicemail");
  for (const char* method : {"record", "channels.record"}) {
    CHECK(choice(method, R"({"channelId":"c1","name":"voicemail","format":"wav"})") == "pbx1");
  }
  CHECK(choice("bridge", R"({"channels":"c1","bridgeId":"b1"})") == "pbx1");
  CHECK(choice("originate", R"({"endpoint":"PJSIP/1","channelId":"c2","originator":"c1","app":"demo"})") ==
        "pbx1");
  CHECK(choice("originate",
               R"({"endpoint":"Local/1","channelId":"c9","otherChannelId":"c2","app":"demo"})") == "pbx2");
  CHECK(choice("originate", R"({"endpoint":"PJSIP/1","channelId":"c2","app":"demo"})") == "pbx2");
  CHECK(choice("channels.snoopChannel", R"({"channelId":"c1","snoopId":"c2","app":"demo"})") == "pbx1");
  CHECK(choice("originate", R"({"endpoint":"PJSIP/1","channelId":"c9","app":"demo"})") == unknown);
}

TEST_CASE("an Asterisk that leaves or has left is no place for a command") {
  Choice choice;
  choice.channel_comes("pbx1", "c1");
  choice.channel_comes("pbx2", "c1");
  choice.servers[1]->leave("it is gone", Milliseconds(0), [] {});
  CHECK(choice("channels.get", R"({"channelId":"c1"})") == "pbx1");
  choice.channel_ends("pbx1", "c1");
  choice.channel_comes("pbx2", "c1");
  CHECK_THAT(choice("channels.get", R"({"channelId":"c1"})"),
             ContainsSubstring("known to live on one; one of pbx1, pbx3"));
  choice.dispatcher.remove_server(*choice.servers[1]);
  CHECK_THAT(choice("channels.get", R"({"channelId":"c1"})"),
             ContainsSubstring("known to live on one; one of pbx1, pbx3"));
}

TEST_CASE("who is bound to applications is not told where others' objects live") {
  Choice choice;
  choice.rule.apps = {"mine"};
  choice.channel_comes("pbx1", "c1", "other");
  choice.channel_comes("pbx2", "c1", "other");
  CHECK(choice("channels.get", R"({"channelId":"c1"})") == unknown);
  choice.channel_comes("pbx2", "c2", "mine");
  choice.channel_comes("pbx3", "c3", "other");
  CHECK(choice("bridge", R"({"channels":["c1","c3"]})") == unknown);
  CHECK(choice("bridge", R"({"channels":["c2","c3"]})") == "pbx2");  // which answers that c3 is not there
  CHECK(choice("channels.get", R"({"channelId":"c3"})") == "pbx3");
  choice.channel_comes("pbx1", "c4", "mine");
  choice.channel_comes("pbx2", "c4", "mine");
  choice.channel_comes("pbx3", "c4", "other");
  CHECK(choice("channels.get", R"({"channelId":"c4"})") ==
        "server: missing, and channel 'c4' lives on pbx1 and pbx2; one of pbx1, pbx2 is expected");
  choice.bridge_comes("pbx1", "b1", "mine", "\"c4\"");
  choice.bridge_comes("pbx3", "b1", "other");
  CHECK(choice("bridges.destroy", R"({"bridgeId":"b1"})") == "pbx1");
}
