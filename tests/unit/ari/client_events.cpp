// The event stream and its ends.
#include "tests/unit/net/listening.h"

using namespace aribus;
using namespace aribus::test;

TEST_CASE("events are handed on as they come") {
  Loop loop;
  FakeAsterisk asterisk(loop, behave_well);
  Listening listening(loop, asterisk.url());
  REQUIRE(connect(loop, *listening.client).ok());
  asterisk.websocket()->text(R"({"type":"One"})");
  asterisk.websocket()->text(R"({"type":"Two"})");
  REQUIRE(pump(loop, [&] { return listening.messages.size() == 2; }));
  CHECK(listening.messages[0] == std::pair<std::string, size_t>(R"({"type":"One"})", 14));
  CHECK(listening.messages[1].first == R"({"type":"Two"})");
}

TEST_CASE("an event that comes together with the handshake's answer is not lost") {
  Loop loop;
  FakeAsterisk asterisk(loop, [](auto& peer, const std::string& request) {
    behave_well(peer, request);
    if (request.starts_with("GET /ari/events")) peer.text(R"({"type":"Early"})");
  });
  Listening listening(loop, asterisk.url());
  REQUIRE(connect(loop, *listening.client).ok());
  CHECK(pump(loop, [&] { return listening.messages.size() == 1; }));
}

TEST_CASE("after the server closed it the event stream is opened again, Asterisk being asked first") {
  Loop loop;
  FakeAsterisk asterisk(loop, behave_well);
  Listening listening(loop, asterisk.url());
  REQUIRE(connect(loop, *listening.client).ok());
  asterisk.websocket()->close();
  REQUIRE(pump(loop, [&] { return listening.connected.size() == 2; }));
  CHECK(listening.disconnected.size() == 1);
  CHECK(asterisk.count("GET /ari/asterisk/info") == 2);
  asterisk.websocket()->frame(8, "\x03\xE9");  // 1001
  REQUIRE(pump(loop, [&] { return listening.connected.size() == 3; }));
  REQUIRE(listening.disconnected.size() == 2);
  CHECK_THAT(listening.disconnected[1], ContainsSubstring("1001"));
  asterisk.websocket()->text("{}");
  CHECK(pump(loop, [&] { return listening.messages.size() == 1; }));
}

TEST_CASE("nothing comes and nothing is tried after disconnect()") {
  Loop loop;
  FakeAsterisk asterisk(loop, behave_well);
  Listening listening(loop, asterisk.url());
  REQUIRE(connect(loop, *listening.client).ok());
  const size_t before = asterisk.requests.size();
  asterisk.websocket()->text("{}");
  listening.client->disconnect();
  CHECK_FALSE(listening.client->is_connected());
  pump_for(loop, Milliseconds(60));
  CHECK(listening.messages.empty());
  CHECK(listening.disconnected.empty());
  CHECK(asterisk.requests.size() == before);
  REQUIRE(connect(loop, *listening.client).ok());
  CHECK(listening.connected.size() == 2);
}
