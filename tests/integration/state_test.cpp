// Live objects: answered from memory, and read again after a time in which nobody listened.
#include "tests/catch.h"
#include "tests/integration/stage.h"
#include "tests/support/soon.h"

using aribus::Json;
using aribus::JsonValue;
using namespace aribus::test;

namespace {

struct LiveObjects : Stage {
  std::string call_comes() {
    simulator.control("POST", "call", R"({"app":"demo","caller":"100"})");
    return text_at(program.expect("StasisStart"), "channel.id");
  }
  // The ids in an answer of state.channels or the like.
  std::vector<std::string> ids(const Json& answer, const char* list, const char* member) {
    std::vector<std::string> found;
    for (const JsonValue& item : answer[list].GetArray())
      found.emplace_back(text_at(item, std::string(member) + ".id"));
    return found;
  }
  std::vector<std::string> channels(const std::string& params = "{}") {
    return ids(program.call("state.channels", params), "channels", "channel");
  }
  // While the daemon has no event stream, `meanwhile` happens.
  void unseen(const std::function<void()>& meanwhile) {
    simulator.fault("GET /ari/events*", R"("status":503)", 3);
    simulator.control("POST", "drop", R"({"mode":"rst"})");
    program.expect("server.disconnected");
    meanwhile();
    program.expect("server.gap");
  }
};

using Ids = std::vector<std::string>;

}  // namespace

TEST_CASE("what lives is answered from memory") {
  LiveObjects stage;
  CHECK(stage.channels().empty());
  const std::string id = stage.call_comes();
  stage.program.call("bridges.create", R"({"bridgeId":"b1"})");
  stage.program.call("bridges.addChannel", R"({"bridgeId":"b1","channel":[")" + id + "\"]}");
  stage.program.call("channels.setChannelVar", R"({"channelId":")" + id + R"(","variable":"X","value":"1"})");
  stage.program.expect("ChannelVarset",
                       [](const JsonValue& record) { return text_at(record, "variable") == "X"; });
  const size_t before = stage.simulator.count_requests("");
  const Json answer = stage.program.call("state.channels", R"({"bridge":"b1","app":"demo"})");
  REQUIRE(answer["channels"].Size() == 1);
  const JsonValue& item = answer["channels"][0];
  CHECK(text_at(item, "server") == "pbx1");
  CHECK(text_at(item, "app") == "demo");
  CHECK(text_at(item, "bridge") == "b1");
  CHECK(text_at(item, "variables.X") == "1");
  CHECK(text_at(item, "channel.id") == id);
  CHECK(stage.channels(R"({"id":"nobody"})").empty());
  CHECK(stage.channels(R"({"bridge":"other"})").empty());
  CHECK(stage.ids(stage.program.call("state.bridges"), "bridges", "bridge") == Ids{"b1"});
  CHECK_THAT(stage.program.refused("state.channels", R"({"server":"pbx2"})").message,
             ContainsSubstring("did you mean 'pbx1'?"));
  CHECK(stage.simulator.count_requests("") == before);
  stage.program.call("channels.hangup", R"({"channelId":")" + id + "\"}");
  stage.program.expect_about("state.gone", id);  // of a call that came in, StasisEnd is the last that is told
  CHECK(stage.channels().empty());
}

TEST_CASE("a snapshot is what lives at its cursor") {
  LiveObjects stage;
  const std::string id = stage.call_comes();
  auto other = stage.daemon.connect();
  const auto subscribed = other.call("subscribe", R"({"snapshot":true})");
  REQUIRE(subscribed.ok());
  CHECK(stage.ids((*subscribed)["snapshot"].IsObject() ? aribus::copy_of((*subscribed)["snapshot"]) : Json(),
                  "channels", "channel") == Ids{id});
  for (const char* list : {"bridges", "playbacks", "recordings", "endpoints", "devices"}) {
    CHECK((*subscribed)["snapshot"][list].Empty());
  }
  const std::string since(text_at(*subscribed, "cursor"));
  const auto resumed = other.call("subscribe", R"({"snapshot":true,"since":")" + since + "\"}");
  CHECK_FALSE(resumed->HasMember("snapshot"));
  const auto afresh = other.call("subscribe", R"({"snapshot":true,"since":"x:1"})");
  CHECK(afresh->HasMember("snapshot"));
  const auto of_another = other.call("subscribe", R"({"snapshot":true,"servers":["pbx2"]})");
  CHECK((*of_another)["snapshot"]["channels"].Empty());
}

TEST_CASE("what ended while nobody listened is told when somebody does again") {
  LiveObjects stage;
  const std::string stays = stage.call_comes();
  const std::string ends = stage.call_comes();
  std::string comes;
  stage.unseen([&] {
    stage.simulator.control("POST", "call/" + ends + "/hangup");
    const std::string answer = stage.simulator.control("POST", "call", R"({"app":"demo","caller":"101"})");
    comes = text_at(*aribus::parse_json(answer), "channel");
  });
  const Json end = stage.program.expect_about("ChannelDestroyed", ends);
  CHECK(end["synthetic"].IsTrue());
  CHECK(end["cause"].GetInt() == 0);
  CHECK(text_at(end, "cause_txt") == "Unknown");
  const Json start = stage.program.expect_about("StasisStart", comes);
  CHECK(start["synthetic"].IsTrue());
  CHECK(start["args"].Size() == 2);
  const Json resynced = stage.program.expect("server.resynced");
  CHECK(about(resynced, "channels", stays));
  CHECK(about(resynced, "channels", comes));
  CHECK_FALSE(about(resynced, "channels", ends));
  Ids expected{stays, comes};
  std::ranges::sort(expected);
  CHECK(stage.channels() == expected);
  CHECK(text_at(stage.program.call("status")["servers"][0], "state") == "ready");
}

TEST_CASE("while what lives can't be read, status says why, and the log once for each reason") {
  Simulator simulator;
  simulator.fault("GET /ari/channels*", R"("status":500,"body":"{\"message\":\"out of order\"}")", -1);
  Daemon daemon({simulator.server()});
  auto client = daemon.connect();
  const auto server = [&] { return aribus::copy_of((*client.call("status"))["servers"][0]); };
  constexpr size_t attempts = 3;
  CHECK(soon([&] { return simulator.count_requests("GET /ari/channels") >= attempts; }));
  Json status = server();
  CHECK(text_at(status, "state") == "syncing");
  CHECK(status["connected"].GetBool());
  CHECK_THAT(text_at(status, "reason"), ContainsSubstring("could not be read, as /channels fails") &&
                                            ContainsSubstring("out of order (500)"));
  const std::string log = daemon.log();
  size_t warnings = 0;
  for (size_t at = 0; (at = log.find("could not be read", at)) != std::string::npos; ++at) {
    const size_t line = log.rfind('\n', at) + 1;
    if (log.substr(line, at - line).find("warn") != std::string::npos) ++warnings;
  }
  CHECK(warnings == 1);
  simulator.control("POST", "reset");
  daemon.wait_ready();
  CHECK(text_at(server(), "state") == "ready");
  CHECK_FALSE(server().HasMember("reason"));
}
