// Commands: what reaches Asterisk, how often, in what order, and what the caller hears of it.
#include <csignal>

#include "tests/catch.h"
#include "tests/integration/stage.h"

namespace {

using aribus::Error;
using aribus::ErrorKind;
using aribus::find_string;
using aribus::Json;
using aribus::to_text;
using namespace aribus::test;

}  // namespace

TEST_CASE("a command that is not answered in time has an unknown outcome, and is sent once") {
  Stage stage("    request_timeout: 500ms\n");
  stage.simulator.fault("POST /ari/channels*", R"("delay_ms":60000)");
  const Error error = stage.program.refused("originate", originate);
  CHECK(error.kind == ErrorKind::outcome_unknown);
  CHECK_THAT(error.data, ContainsSubstring(R"("timeout_ms":500)"));
  CHECK_THAT(error.data, ContainsSubstring(R"("channelId":"c1")"));
  CHECK(stage.simulator.count_requests("POST /ari/channels") == 1);
}

TEST_CASE("a command whose connection ends before the answer is not sent again") {
  Stage stage;
  stage.program.call("asterisk.ping");  // there is a kept-alive connection now
  stage.simulator.fault("POST /ari/channels*", R"("drop":"after")");
  const Error error = stage.program.refused("originate", originate);
  CHECK(error.kind == ErrorKind::outcome_unknown);
  CHECK(stage.simulator.count_requests("POST /ari/channels") == 1);
  CHECK(stage.program.call("channels.get", R"({"channelId":"c1"})").IsObject());
}

TEST_CASE("Asterisk's own refusals come through with status and message") {
  Stage stage;
  stage.simulator.fault("GET /ari/channels*", R"("status":503,"body":"{\"message\":\"busy just now\"}")");
  const Error error = stage.program.refused("channels.list");
  CHECK(error.kind == ErrorKind::refused);
  CHECK_THAT(error.data, ContainsSubstring(R"("status":503)"));
  CHECK_THAT(error.data, ContainsSubstring("busy just now"));
}

TEST_CASE("a redirection does nothing, and is taken for nothing done") {
  Stage stage;
  for (const int status : {300, 302, 304, 307}) {
    INFO(status);
    const std::string how = R"("status":)" + std::to_string(status);
    const std::string told = R"("status":)" + std::to_string(status);
    // Faults hit the next request that matches: none that aribusd sends by itself may match.
    stage.simulator.fault("GET /ari/channels/nobody*", how);
    const Error read = stage.program.refused("channels.get", R"({"channelId":"nobody"})");
    CHECK(read.kind == ErrorKind::refused);
    CHECK_THAT(read.data, ContainsSubstring(told));
    for (const auto& [method, params] :
         {std::pair<std::string, std::string>{"originate", R"({"endpoint":"Local/answer@default"})"},
          {"channels.hangup", R"({"channelId":"nobody"})"},
          {"play", R"({"channelId":"nobody","media":"sound:beep","wait":true})"}}) {
      INFO(method);
      stage.simulator.fault(std::string(method == "channels.hangup" ? "DELETE" : "POST") + " /ari/channels*",
                            how);
      const Error error = stage.program.refused(method, params);
      CHECK(error.kind == ErrorKind::outcome_unknown);
      CHECK_THAT(error.data, ContainsSubstring(told));
    }
  }
}

TEST_CASE("commands that name the same channel reach Asterisk in the order sent, others overtake") {
  Stage stage;
  stage.program.call("originate", originate);
  stage.simulator.fault("POST /ari/channels/c1/ring*", R"("delay_ms":300)");
  auto& client = stage.program.client();
  const auto slow = client.send("channels.ring", R"({"channelId":"c1"})");
  const auto after = client.send("channels.answer", R"({"channelId":"c1"})");
  const auto other = client.send("asterisk.ping");
  REQUIRE(client.wait(*other));
  CHECK(stage.simulator.count_requests("POST /ari/channels/c1/answer") == 0);
  CHECK(client.wait(*slow));
  CHECK(client.wait(*after));
  CHECK(stage.simulator.count_requests("POST /ari/channels/c1/answer") == 1);
}

TEST_CASE("more than 64 commands under way are refused, and the others are answered") {
  Stage stage;
  stage.simulator.fault("GET /ari/asterisk/ping*", R"("delay_ms":100)", 100);
  auto& client = stage.program.client();
  std::vector<uint64_t> ids;
  stage.daemon.process().signal(SIGSTOP);  // so that it gets all of them before any is answered
  for (int i = 0; i < 70; ++i) ids.push_back(*client.send("asterisk.ping"));
  stage.daemon.process().signal(SIGCONT);
  int answered = 0;
  int refused = 0;
  for (const uint64_t id : ids) {
    const auto result = client.wait(id);
    if (result) {
      ++answered;
    } else if (result.error().kind == ErrorKind::too_much) {
      ++refused;
      CHECK_THAT(result.error().data, ContainsSubstring(R"("limit":64)"));
    }
  }
  CHECK(refused == 6);
  CHECK(answered == 64);
}

TEST_CASE("wrong parameters are refused before anything is sent") {
  Stage stage;
  const size_t before = stage.simulator.count_requests("");
  const auto message = [&](const char* method, const char* params) {
    const Error error = stage.program.refused(method, params);
    CHECK(error.kind == ErrorKind::invalid_params);
    return error.message;
  };
  CHECK_THAT(message("channels.answer", "{}"), ContainsSubstring("channelId: a string is missing"));
  CHECK_THAT(message("channels.answer", R"({"chanelId":"c1"})"),
             ContainsSubstring("did you mean 'channelId'?"));
  CHECK_THAT(message("channels.mute", R"({"channelId":"c1","direction":"bth"})"),
             ContainsSubstring("did you mean 'both'?"));
  CHECK_THAT(message("channels.dial", R"({"channelId":"c1","timeout":"5"})"),
             ContainsSubstring("an integer is expected"));
  CHECK_THAT(message("hangup", R"({"channelId":"c1","reason":"normal_cleaning"})"),
             ContainsSubstring("did you mean 'normal_clearing'?"));
  CHECK_THAT(message("originate", R"({"endpoint":"Local/x","app":"demo","context":"default"})"),
             ContainsSubstring("context: excludes app"));
  CHECK_THAT(message("ping", R"({"a":1})"), ContainsSubstring("no such parameter"));
  CHECK(stage.program.refused("chanels.list").kind == ErrorKind::unknown_method);
  CHECK(stage.simulator.count_requests("") == before);
}

TEST_CASE("ids with any character in them survive the way") {
  Stage stage;
  const std::string id = R"(a/b;c#d e+f%g é?\"x)";
  stage.program.call("originate", R"({"endpoint":"Local/answer@default","channelId":")" + id + "\"}");
  const Json got = stage.program.call("channels.get", R"({"channelId":")" + id + "\"}");
  CHECK(text_at(got, "id") == "a/b;c#d e+f%g é?\"x");
}

TEST_CASE("with two Asterisks, an id that is known to live on one picks it") {
  const Simulator first;
  const Simulator second;
  Daemon daemon({first.server("one"), second.server("two")});
  daemon.wait_ready();
  Program program(daemon.connect());
  CHECK_THAT(program.refused("channels.list").message, ContainsSubstring("one of one, two is expected"));
  CHECK_THAT(program.refused("channels.list", R"({"server":"twoo"})").message,
             ContainsSubstring("did you mean 'two'?"));
  program.call("originate", R"({"server":"two","endpoint":"Local/answer@default","channelId":"c2"})");
  CHECK(text_at(program.call("channels.get", R"({"channelId":"c2"})"), "id") == "c2");
  CHECK(first.count_requests("GET /ari/channels/c2") == 0);
  CHECK(second.count_requests("GET /ari/channels/c2") == 1);

  const auto answer = aribus::parse_json(first.control(
      "POST", "call",
      R"({"app":"demo","caller":"100","caller_name":"Alice","exten":"demo","args":["inbound"]})"));
  const std::string channel(find_string(*answer, "channel"));
  const Json start = program.expect_about("StasisStart", channel);
  CHECK(text_at(start, "server") == "one");
  CHECK(text_at(program.call("channels.get", R"({"channelId":")" + channel + "\"}"), "id") == channel);
}
