// The connections to an Asterisk are shared: by those who ask, and in memory and time.
#include "net/http.h"
#include "net/turn_meter.h"
#include "tests/catch.h"
#include "tests/support/fake_asterisk.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::test;

namespace {

struct Sharing {
  Loop loop;
  FakeAsterisk asterisk;
  std::vector<Result<HttpResponse>> answers;
  Http http;

  explicit Sharing(FakeAsterisk::Script script, size_t max_held_bytes = 64 << 20)
      : asterisk(loop, std::move(script)), http(loop, options(asterisk.port(), max_held_bytes)) {}

  static HttpOptions options(int port, size_t max_held_bytes) {
    HttpOptions options;
    options.url.host = "127.0.0.1";
    options.url.port = port;
    options.max_held_bytes = max_held_bytes;
    return options;
  }
  void send(const std::string& method, Requester requester, Milliseconds timeout = Milliseconds(3000)) {
    http.send({method, "/ari/channels", "", timeout, requester},
              [this](Result<HttpResponse> answer) { answers.push_back(std::move(answer)); });
  }
};

void answer_large(FakeAsterisk::Peer& peer, const std::string&) {
  peer.answer(200, std::string(1 << 20, 'x'));
}

}  // namespace

TEST_CASE("while one user's reads take all the time that there is, another's hangup goes out") {
  Sharing sharing([](auto& peer, const std::string& request) {
    if (!request.starts_with("GET")) peer.answer(204, "");  // reads are never answered
  });
  for (uint64_t connection = 0; connection < 20; ++connection) {
    for (int i = 0; i < 64; ++i) sharing.send("GET", {7000, connection, false});
  }
  REQUIRE(pump(sharing.loop, [&] { return sharing.asterisk.count("GET") >= 5; }));
  sharing.send("DELETE", {7001, 0, false});
  REQUIRE(pump(sharing.loop, [&] { return !sharing.answers.empty(); }));
  CHECK(sharing.answers[0]->status == 204);
  sharing.send("DELETE", {7000, 3, false});  // nor does he keep himself from it
  CHECK(pump(sharing.loop, [&] { return sharing.answers.size() == 2; }));
  sharing.send("GET", {0, 0, true});  // nor root from looking
  CHECK(pump(sharing.loop, [&] { return sharing.asterisk.count("GET") == 6; }));
}

TEST_CASE("many requests that get no connection in time are all told") {
  Sharing sharing([](auto&, auto&) {});
  for (int i = 0; i < 1000; ++i) sharing.send("GET", {7000, 0, false}, Milliseconds(50));
  REQUIRE(pump(sharing.loop, [&] { return sharing.answers.size() == 1000; }));
  size_t not_sent = 0;
  for (const auto& answer : sharing.answers) not_sent += answer.error().kind == ErrorKind::not_connected;
  CHECK(not_sent > 900);  // few come up in the last moment, when others are given up
  CHECK(sharing.http.open_requests() == 0);
}

TEST_CASE("answers whose handling takes its time are handed out one in a turn") {
  Sharing sharing([](auto& peer, auto&) { peer.answer(200, "{}"); });
  TurnMeter meter(sharing.loop);
  std::vector<uint64_t> turns;
  for (int i = 0; i < 8; ++i) {
    sharing.http.send({"GET", "/ari/channels", "", Milliseconds(3000)}, [&](auto) {
      turns.push_back(meter.turns());
      for (const uint64_t began = uv_hrtime(); uv_hrtime() - began < 3'000'000;) {
      }
    });
  }
  REQUIRE(pump(sharing.loop, [&] { return turns.size() == 8; }));
  for (size_t i = 1; i < turns.size(); ++i) CHECK(turns[i] > turns[i - 1]);
}

TEST_CASE("answers that would hold too much memory are given up, and small ones come through") {
  Sharing sharing(answer_large, 256 << 10);
  sharing.send("GET", {7000, 0, false});
  REQUIRE(pump(sharing.loop, [&] { return sharing.answers.size() == 1; }));
  CHECK(sharing.answers[0].error().kind == ErrorKind::too_much);
  CHECK_THAT(sharing.answers[0].error().message, ContainsSubstring("try again later"));
  sharing.send("POST", {7000, 0, false});
  REQUIRE(pump(sharing.loop, [&] { return sharing.answers.size() == 2; }));
  CHECK(sharing.answers[1].error().kind == ErrorKind::outcome_unknown);
  sharing.asterisk.set_script([](auto& peer, auto&) { peer.answer(200, std::string(100'000, 'x')); });
  sharing.send("GET", {7000, 0, false});
  REQUIRE(pump(sharing.loop, [&] { return sharing.answers.size() == 3; }));
  CHECK(sharing.answers[2].ok());
}

TEST_CASE("what an answer held is given back when it is handed out, or given up") {
  Sharing sharing(answer_large, 2 << 20);
  for (int i = 1; i <= 10; ++i) {
    sharing.send("GET", {7000, 0, false});
    REQUIRE(pump(sharing.loop, [&] { return sharing.answers.size() == static_cast<size_t>(i); }));
    CHECK(sharing.answers.back().ok());
  }
}
