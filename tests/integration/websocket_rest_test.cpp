// Commands that reach Asterisk over the WebSocket of its events.
#include "tests/catch.h"
#include "tests/integration/stage.h"
#include "tests/support/soon.h"

namespace {

using aribus::Error;
using aribus::ErrorKind;
using aribus::JsonValue;
using namespace aribus::test;

struct OverWebSocket : Stage {
  explicit OverWebSocket(const std::string& version = "22", const std::string& keys = {})
      : Stage("    rest: websocket\n" + keys, {"--version", version}) {}

  std::string way() { return text_at(program.call("status")["servers"][0], "rest"); }
  void wait_until_it_works() {
    REQUIRE(soon([&] { return way() == "websocket"; }));
  }
};

}  // namespace

TEST_CASE("commands go over the WebSocket, and their answers are no records") {
  OverWebSocket stage;
  stage.wait_until_it_works();
  CHECK(text_at(stage.program.call("originate", originate), "id") == "c1");
  stage.program.expect_about("StasisStart", "c1");
  CHECK(stage.program.refused("channels.get", R"({"channelId":"nobody"})").kind == ErrorKind::refused);
  stage.program.call("hangup", R"({"channelId":"c1"})");
  stage.program.expect_about("StasisEnd", "c1");
  for (const auto& record : stage.program.records()) CHECK(text_at(record, "type") != "RESTResponse");
}

TEST_CASE("when the WebSocket ends under a command, its outcome is unknown and then found out") {
  OverWebSocket stage;
  stage.wait_until_it_works();
  stage.simulator.fault("POST /ari/channels*", R"("drop":"after")");
  const Error error = stage.program.refused("originate", originate);
  CHECK(error.kind == ErrorKind::outcome_unknown);
  const auto record = stage.program.expect("command.resolved");
  CHECK(text_at(record, "outcome") == "done");
  CHECK(stage.simulator.count_requests("POST /ari/channels") == 1);
}

TEST_CASE("a command that is not answered over the WebSocket in time has an unknown outcome") {
  OverWebSocket stage("22", "    request_timeout: 500ms\n");
  stage.wait_until_it_works();
  stage.simulator.fault("POST /ari/channels*", R"("delay_ms":60000)");
  const Error error = stage.program.refused("originate", originate);
  CHECK(error.kind == ErrorKind::outcome_unknown);
  CHECK_THAT(error.data, ContainsSubstring(R"("timeout_ms":500)"));
  CHECK(stage.simulator.count_requests("POST /ari/channels") == 1);
}

TEST_CASE("an Asterisk that takes no requests over the WebSocket gets them over HTTP") {
  OverWebSocket stage("16");
  CHECK(text_at(stage.program.call("originate", originate), "id") == "c1");
  CHECK(stage.way() == "http");
}
