// What changes state is never sent twice.
#include "json/json.h"
#include "net/http.h"
#include "tests/catch.h"
#include "tests/support/fake_asterisk.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using aribus::test::FakeAsterisk;
using aribus::test::json;
using aribus::test::pump;

namespace {

HttpOptions options(const FakeAsterisk& asterisk, int max_connections = 8) {
  HttpOptions options;
  options.url.host = "127.0.0.1";
  options.url.port = asterisk.port();
  options.max_connections = max_connections;
  return options;
}

Result<HttpResponse> ask(Loop& loop, Http& http, const std::string& method,
                         Milliseconds timeout = Milliseconds(3000)) {
  std::optional<Result<HttpResponse>> answer;
  http.send({method, "/ari/channels", method == "POST" ? "{}" : "", timeout},
            [&](Result<HttpResponse> got) { answer = std::move(got); });
  REQUIRE(pump(loop, [&] { return answer.has_value(); }));
  return *answer;
}

// Answers the first request, and closes the connection on every later one that comes on an old connection.
void die_when_reused(FakeAsterisk::Peer& peer, FakeAsterisk& asterisk) {
  const bool reused = asterisk.requests.size() == 2;
  reused ? peer.close() : peer.answer(200, "{}");
}

}  // namespace

TEST_CASE("a request whose kept-alive connection the server had closed goes over a new one") {
  Loop loop;
  FakeAsterisk asterisk(loop, [](auto& peer, auto&) { peer.answer(200, "{}"); });
  Http http(loop, options(asterisk));
  REQUIRE(ask(loop, http, "GET").ok());
  asterisk.peers[0]->close();
  for (const char* method : {"POST", "DELETE", "GET"}) {
    INFO(method);
    CHECK(ask(loop, http, method).ok());
    asterisk.peers.back()->close();
  }
  CHECK(asterisk.requests.size() == 4);
}

TEST_CASE("a request whose kept-alive connection was closed in the same turn is still sent once at most") {
  Loop loop;
  FakeAsterisk asterisk(loop, [](auto& peer, auto&) { peer.answer(200, "{}"); });
  Http http(loop, options(asterisk));
  REQUIRE(ask(loop, http, "GET").ok());
  std::optional<Result<HttpResponse>> answer;
  http.send({"POST", "/ari/channels", "{}", Milliseconds(3000)},
            [&](Result<HttpResponse> got) { answer = std::move(got); });
  asterisk.peers[0]->close();
  REQUIRE(pump(loop, [&] { return answer.has_value(); }));
  if (!answer->ok()) CHECK(answer->error().kind == ErrorKind::outcome_unknown);
  CHECK(asterisk.count("POST") <= 1);
}

TEST_CASE("a request that changes something and whose connection dies is not sent again") {
  for (const std::string method : {"POST", "PUT", "DELETE"}) {
    INFO(method);
    Loop loop;
    FakeAsterisk* self = nullptr;
    FakeAsterisk asterisk(loop, [&](auto& peer, auto&) { die_when_reused(peer, *self); });
    self = &asterisk;
    Http http(loop, options(asterisk));
    REQUIRE(ask(loop, http, "GET").ok());
    const auto answer = ask(loop, http, method);
    REQUIRE_FALSE(answer.ok());
    CHECK(answer.error().kind == ErrorKind::outcome_unknown);
    CHECK_THAT(answer.error().message, ContainsSubstring("unknown"));
    CHECK(asterisk.count(method) == 1);
  }
}

TEST_CASE("a GET whose connection dies may be sent again") {
  Loop loop;
  FakeAsterisk* self = nullptr;
  FakeAsterisk asterisk(loop, [&](auto& peer, auto&) { die_when_reused(peer, *self); });
  self = &asterisk;
  Http http(loop, options(asterisk));
  REQUIRE(ask(loop, http, "GET").ok());
  CHECK(ask(loop, http, "GET").ok());
  CHECK(asterisk.requests.size() == 3);
}

TEST_CASE("a request on a new connection that dies has an unknown outcome") {
  for (const std::string method : {"POST", "GET"}) {
    INFO(method);
    Loop loop;
    FakeAsterisk asterisk(loop, [](auto& peer, auto&) { peer.close(); });
    Http http(loop, options(asterisk));
    const auto answer = ask(loop, http, method);
    REQUIRE_FALSE(answer.ok());
    CHECK(answer.error().kind == ErrorKind::outcome_unknown);
    CHECK(asterisk.requests.size() == 1);
  }
}

TEST_CASE("a connection that dies in the middle of the answer has an unknown outcome") {
  Loop loop;
  FakeAsterisk asterisk(loop, [](auto& peer, auto&) {
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    peer.close();
  });
  Http http(loop, options(asterisk));
  const auto answer = ask(loop, http, "POST");
  REQUIRE_FALSE(answer.ok());
  CHECK(answer.error().kind == ErrorKind::outcome_unknown);
  CHECK(asterisk.requests.size() == 1);
}

TEST_CASE("a request without an answer in time has an unknown outcome") {
  Loop loop;
  FakeAsterisk asterisk(loop, [](auto&, auto&) {});
  Http http(loop, options(asterisk));
  const auto answer = ask(loop, http, "POST", Milliseconds(60));
  REQUIRE_FALSE(answer.ok());
  CHECK(answer.error().kind == ErrorKind::outcome_unknown);
  CHECK_THAT(answer.error().message, ContainsSubstring("60 ms"));
  CHECK(find(json(answer.error().data), "timeout_ms")->GetInt() == 60);
  CHECK(asterisk.requests.size() == 1);
}

TEST_CASE("a request that waited in vain for a free connection was not sent") {
  Loop loop;
  FakeAsterisk asterisk(loop, [](auto&, auto&) {});
  Http http(loop, options(asterisk, 1));
  bool first_ended = false;
  http.send({"GET", "/ari/channels", "", Milliseconds(1500)}, [&](auto) { first_ended = true; });
  REQUIRE(pump(loop, [&] { return asterisk.requests.size() == 1; }));
  const auto answer = ask(loop, http, "POST", Milliseconds(60));
  REQUIRE_FALSE(answer.ok());
  CHECK(answer.error().kind == ErrorKind::not_connected);
  CHECK(asterisk.count("POST") == 0);
  CHECK_FALSE(first_ended);  // its time-out is its own
}
