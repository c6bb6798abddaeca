#include "ari/client.h"

#include "tests/unit/net/listening.h"

using namespace aribus;
using namespace aribus::test;

TEST_CASE("a client asks who Asterisk is, then opens the event stream") {
  Loop loop;
  FakeAsterisk asterisk(loop, behave_well);
  Listening listening(loop, asterisk.url());
  const auto info = connect(loop, *listening.client);
  REQUIRE(info.ok());
  CHECK(info->version == "22.10.1");
  CHECK(info->startup_time == "2026-11-22T21:00:00.000Z");
  CHECK(listening.client->is_connected());
  CHECK(listening.connected == std::vector<std::string>{"22.10.1"});
  REQUIRE(asterisk.requests.size() == 2);
  CHECK(asterisk.requests[0].starts_with("GET /ari/asterisk/info HTTP/1.1\r\n"));
  CHECK(asterisk.requests[1].starts_with("GET /ari/events?app=demo%2Cother&subscribeAll=false HTTP/1.1\r\n"));
}

TEST_CASE("the password is in the Authorization header of both connections and in no URL") {
  Loop loop;
  FakeAsterisk asterisk(loop, behave_well);
  Listening listening(loop, asterisk.url());
  REQUIRE(connect(loop, *listening.client).ok());
  for (const std::string& request : asterisk.requests) {
    CHECK_THAT(request, ContainsSubstring("uthorization: Basic YXJpYnVzOnMzY3JldA==\r\n"));
    CHECK(request.find("s3cret") == std::string::npos);
    CHECK(request.substr(0, request.find('\r')).find("aribus") == std::string::npos);
  }
}

TEST_CASE("the URL's prefix is in front of both requests") {
  Loop loop;
  FakeAsterisk asterisk(loop, [](auto& peer, const std::string& request) {
    request.find("/events") == std::string::npos ? peer.answer(200, test::info_body) : peer.upgrade(request);
  });
  Listening listening(loop, asterisk.url() + "/asterisk/ari");
  REQUIRE(connect(loop, *listening.client).ok());
  CHECK(asterisk.count("GET /asterisk/ari/asterisk/info ") == 1);
  CHECK(asterisk.count("GET /asterisk/ari/events?") == 1);
}

TEST_CASE("connecting twice asks once") {
  for (const auto& change :
       {std::function<void(ClientOptions&)>(), std::function<void(ClientOptions&)>(no_apps)}) {
    Loop loop;
    FakeAsterisk asterisk(loop, behave_well);
    Listening listening(loop, asterisk.url(), change);
    REQUIRE(connect(loop, *listening.client).ok());
    const size_t before = asterisk.requests.size();
    const auto again = connect(loop, *listening.client);
    REQUIRE(again.ok());
    CHECK(again->version == "22.10.1");
    pump_for(loop, Milliseconds(20));
    CHECK(asterisk.requests.size() == before);
    CHECK(listening.connected.size() == 1);
  }
}

TEST_CASE("connecting while an attempt is under way shares its answer") {
  Loop loop;
  FakeAsterisk asterisk(loop, behave_well);
  Listening listening(loop, asterisk.url());
  int answers = 0;
  for (int i = 0; i < 3; ++i)
    listening.client->connect([&](const auto& info) { answers += info.ok() ? 1 : 0; });
  REQUIRE(pump(loop, [&] { return answers == 3; }));
  CHECK(asterisk.count("GET /ari/asterisk/info") == 1);
}

TEST_CASE("without applications there is no event stream") {
  Loop loop;
  FakeAsterisk asterisk(loop, behave_well);
  Listening listening(loop, asterisk.url(), no_apps);
  REQUIRE(connect(loop, *listening.client).ok());
  pump_for(loop, Milliseconds(20));
  CHECK(asterisk.requests.size() == 1);
  CHECK(listening.client->is_connected());
}

TEST_CASE("a wrong password is explained without being told") {
  Loop loop;
  FakeAsterisk asterisk(
      loop, [](auto& peer, auto&) { peer.answer(401, R"({"message":"Authentication required"})"); });
  Listening listening(loop, asterisk.url());
  const auto info = connect(loop, *listening.client);
  REQUIRE_FALSE(info.ok());
  CHECK(info.error().kind == ErrorKind::not_connected);
  CHECK_THAT(info.error().message, ContainsSubstring("401") && ContainsSubstring("'aribus'") &&
                                       ContainsSubstring("password") && ContainsSubstring("ari.conf"));
  CHECK(info.error().message.find("s3cret") == std::string::npos);
  REQUIRE_FALSE(listening.disconnected.empty());
  CHECK(listening.disconnected[0] == info.error().message);
  CHECK(listening.connected.empty());
}

TEST_CASE("a server that is no Asterisk is told from one that is") {
  for (const char* body : {"<html>", "{}", "[]", R"({"system":{}})"}) {
    Loop loop;
    FakeAsterisk asterisk(loop, [&](auto& peer, auto&) { peer.answer(200, body); });
    Listening listening(loop, asterisk.url());
    const auto info = connect(loop, *listening.client);
    REQUIRE_FALSE(info.ok());
    CHECK_THAT(info.error().message, ContainsSubstring("no Asterisk"));
  }
}

TEST_CASE("a refused event stream is explained by its status") {
  Loop loop;
  FakeAsterisk asterisk(loop, [](auto& peer, const std::string& request) {
    request.starts_with("GET /ari/events") ? peer.answer(503, "") : behave_well(peer, request);
  });
  Listening listening(loop, asterisk.url());
  const auto info = connect(loop, *listening.client);
  REQUIRE_FALSE(info.ok());
  CHECK_THAT(info.error().message, ContainsSubstring("503"));
  CHECK_FALSE(listening.client->is_connected());
}

TEST_CASE("a refused connection is an answer, and further attempts follow until one succeeds") {
  Loop loop;
  FakeAsterisk asterisk(loop, [](auto& peer, auto&) { peer.close(); });
  Listening listening(loop, asterisk.url());
  const auto info = connect(loop, *listening.client);
  REQUIRE_FALSE(info.ok());
  CHECK(info.error().kind == ErrorKind::not_connected);
  REQUIRE(pump(loop, [&] { return listening.disconnected.size() >= 3; }));
  asterisk.set_script(behave_well);
  REQUIRE(pump(loop, [&] { return listening.client->is_connected(); }));
  CHECK(listening.connected.size() == 1);
}
