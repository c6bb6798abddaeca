// Commands in bad times: each is done, refused, not sent, or unknown and then resolved; and none is done
// twice.
#include <algorithm>

#include <sys/socket.h>

#include "tests/catch.h"
#include "tests/integration/stage.h"

namespace {

using aribus::Error;
using aribus::ErrorKind;
using aribus::find_string;
using aribus::Json;
using aribus::JsonValue;
using namespace aribus::test;

struct BadTimes : Stage {
  using Stage::Stage;

  // Calls what gets no answer; returns the error's data.
  Json unknown(const std::string& method, const std::string& params) {
    const Error error = program.refused(method, params);
    REQUIRE(error.kind == ErrorKind::outcome_unknown);
    auto data = aribus::parse_json(error.data);
    REQUIRE(data);
    return std::move(*data);
  }
  Json resolved(const Json& data) {
    return program.expect("command.resolved", [&](const JsonValue& record) {
      return text_at(record, "command") == text_at(data, "command");
    });
  }
};

// The next `count` lines as they come over the socket.
std::string read_lines(int fd, int count) {
  std::string lines;
  while (std::ranges::count(lines, '\n') < count) {
    char bytes[4096];
    const ssize_t got = ::recv(fd, bytes, sizeof bytes, 0);
    if (got <= 0) break;
    lines.append(bytes, static_cast<size_t>(got));
  }
  return lines;
}

}  // namespace

TEST_CASE("while Asterisk is away, commands are refused at once and nothing is sent") {
  BadTimes stage("    request_timeout: 60s\n");  // longer than a program waits: nothing waits for it
  stage.simulator.fault("GET /ari/asterisk/info*", R"("status":503)", -1);
  stage.simulator.control("POST", "drop", R"({"mode":"rst"})");
  stage.program.expect("server.disconnected");
  for (int i = 0; i < 50; ++i) {
    const Error error = stage.program.refused("originate", originate);
    CHECK(error.kind == ErrorKind::not_connected);
    CHECK_THAT(error.data, ContainsSubstring(R"("server":"pbx1")"));
  }
  CHECK(stage.simulator.count_requests("POST /ari/channels") == 0);
}

TEST_CASE("a call whose answer was lost is found and told, and not made again") {
  BadTimes stage;
  stage.simulator.fault("POST /ari/channels*", R"("drop":"after")");
  const Json data = stage.unknown("originate", originate);
  const Json record = stage.resolved(data);
  CHECK(text_at(record, "outcome") == "done");
  CHECK(about(record, "channels", "c1"));
  CHECK(stage.simulator.count_requests("POST /ari/channels") == 1);
}

TEST_CASE("a call that Asterisk never made is told to be so") {
  BadTimes stage;
  stage.simulator.fault("POST /ari/channels*", R"("drop":"before")");
  const Json record = stage.resolved(stage.unknown("originate", originate));
  CHECK(text_at(record, "outcome") == "not_done");
  CHECK(stage.simulator.count_requests("POST /ari/channels") == 1);
}

TEST_CASE("a call whose answer comes too late was made") {
  BadTimes stage("    request_timeout: 500ms\n");
  stage.simulator.fault("POST /ari/channels*", R"("answer_delay_ms":800)");
  CHECK(text_at(stage.resolved(stage.unknown("originate", originate)), "outcome") == "done");
}

TEST_CASE("a repeat with a key over another connection gets the first answer, and no second call is made") {
  BadTimes stage;
  constexpr const char* keyed = R"({"endpoint":"Local/answer@default","key":"k1"})";
  stage.simulator.fault("POST /ari/channels*", R"("delay_ms":200)");
  auto& client = stage.program.client();
  const auto first = client.send("originate", keyed);
  Program other(stage.daemon.connect());
  const Json meanwhile = other.call("originate", keyed);
  const auto answer = client.wait(*first);
  REQUIRE(answer);
  CHECK(text_at(meanwhile, "id") == text_at(*answer, "id"));
  CHECK(text_at(other.call("originate", keyed), "id") == text_at(*answer, "id"));
  CHECK(stage.simulator.count_requests("POST /ari/channels") == 1);
  CHECK_THAT(other.refused("channels.ring", R"({"channelId":"c1","key":"k1"})").message,
             ContainsSubstring("another method"));
  CHECK(other.call("channels.list", R"({"key":"k1"})").IsArray());  // to read twice is as good
}

TEST_CASE("a repeat of a command whose outcome was unknown tells what was found out") {
  BadTimes stage;
  constexpr const char* keyed = R"({"endpoint":"Local/answer@default","channelId":"c1","key":"k1"})";
  stage.simulator.fault("POST /ari/channels*", R"("drop":"after")");
  const Json data = stage.unknown("originate", keyed);
  stage.resolved(data);
  CHECK(text_at(stage.unknown("originate", keyed), "outcome") == "done");
  CHECK(stage.simulator.count_requests("POST /ari/channels") == 1);
}

TEST_CASE("a repeat of a command that was not sent is carried out") {
  BadTimes stage;
  constexpr const char* keyed = R"({"endpoint":"Local/answer@default","key":"k1"})";
  stage.simulator.fault("GET /ari/asterisk/info*", R"("status":503)", 2);
  stage.simulator.control("POST", "drop", R"({"mode":"rst"})");
  stage.program.expect("server.disconnected");
  CHECK(stage.program.refused("originate", keyed).kind == ErrorKind::not_connected);
  stage.program.expect("server.connected");
  CHECK(text_at(stage.program.call("originate", keyed), "id").starts_with("aribus-"));
}

TEST_CASE("the id is known before the first event about it, however late Asterisk answers") {
  BadTimes stage;
  for (const int delay_ms : {1, 20, 100}) {
    stage.simulator.fault("POST /ari/channels*", R"("answer_delay_ms":)" + std::to_string(delay_ms), 5);
    auto client = stage.daemon.connect();
    REQUIRE(client.call("subscribe", R"({"types":["StasisStart"]})"));
    REQUIRE(client.send("originate", R"({"endpoint":"Local/answer@default"})"));
    const std::string lines = read_lines(client.fd(), 2);
    const size_t answer = lines.find(R"("result":{"id":"aribus-)");
    const size_t event = lines.find(R"("type":"StasisStart")");
    REQUIRE(answer != std::string::npos);
    REQUIRE(event != std::string::npos);
    CHECK(answer < event);
  }
}
