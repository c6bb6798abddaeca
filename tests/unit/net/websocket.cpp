#include "net/websocket.h"

#include "tests/unit/net/socket.h"

using namespace aribus;
using namespace aribus::test;

TEST_CASE("the handshake asks for the target with authorization and subprotocol") {
  Loop loop;
  FakeAsterisk asterisk(loop, upgrade);
  Socket socket(loop);
  socket.open(asterisk);
  REQUIRE(asterisk.requests.size() == 1);
  const std::string& request = asterisk.requests[0];
  CHECK(request.starts_with("GET /ari/events?app=demo HTTP/1.1\r\n"));
  CHECK_THAT(request, ContainsSubstring("Authorization: Basic eA==\r\n"));
  CHECK_THAT(request, ContainsSubstring("Sec-WebSocket-Protocol: ari\r\n"));
  CHECK_THAT(request, ContainsSubstring("127.0.0.1:" + std::to_string(asterisk.port()) + "\r\n"));
}

TEST_CASE("messages of all sizes come whole") {
  Loop loop;
  FakeAsterisk asterisk(loop, upgrade);
  Socket socket(loop);
  auto& peer = socket.open(asterisk);
  std::vector<std::string> sent;
  for (const size_t size : {1, 125, 126, 4095, 4096, 4097, 65'535, 65'536, 300'000}) {
    sent.push_back(std::string(size, 'a') + std::to_string(size));
    peer.text(sent.back());
  }
  REQUIRE(socket.wait_for_texts(sent.size()));
  for (size_t i = 0; i < sent.size(); ++i) {
    CHECK(socket.texts[i].first == sent[i]);
    CHECK(socket.texts[i].second == sent[i].size());
  }
}

TEST_CASE("the fragments of a message are put together") {
  Loop loop;
  FakeAsterisk asterisk(loop, upgrade);
  Socket socket(loop);
  auto& peer = socket.open(asterisk);
  peer.frame(1, "one ", false);
  peer.frame(0, "two ", false);
  peer.frame(0, "three", true);
  peer.text("alone");
  REQUIRE(socket.wait_for_texts(2));
  CHECK(socket.texts[0] == std::pair<std::string, size_t>("one two three", 13));
  CHECK(socket.texts[1] == std::pair<std::string, size_t>("alone", 5));
}

TEST_CASE("fragments may be large, empty, and have a ping between them") {
  Loop loop;
  FakeAsterisk asterisk(loop, upgrade);
  Socket socket(loop);
  auto& peer = socket.open(asterisk);
  peer.frame(1, std::string(10'000, 'a'), false);
  peer.frame(9, "ping");
  peer.frame(0, std::string(10'000, 'b'), false);
  peer.frame(0, "", true);
  peer.text("next");
  REQUIRE(socket.wait_for_texts(2));
  CHECK(socket.texts[0].first == std::string(10'000, 'a') + std::string(10'000, 'b'));
  CHECK(socket.texts[1].first == "next");
  CHECK(pump(loop, [&] { return asterisk.frames == std::vector<int>{10}; }));  // the pong
}

TEST_CASE("of many pings that come together the last is answered, and a text behind them is not late") {
  Loop loop;
  FakeAsterisk asterisk(loop, upgrade);
  Socket socket(loop);
  auto& peer = socket.open(asterisk);
  for (int i = 0; i < 1000; ++i) peer.frame(9, std::to_string(i));
  peer.text("next");
  REQUIRE(socket.wait_for_texts(1));
  CHECK(pump(loop, [&] { return asterisk.last_pong == "999"; }));
  CHECK(asterisk.frames.size() < 100);  // one for each turn of the loop
}

TEST_CASE("a message over the bound is cut, its size is told, and the next one comes whole") {
  Loop loop;
  FakeAsterisk asterisk(loop, upgrade);
  Socket socket(loop);
  auto options = socket.options(asterisk.port());
  options.max_message_bytes = 1000;
  auto& peer = socket.open(asterisk, options);
  peer.text(std::string(1000, 'a'));
  peer.text(std::string(1001, 'b'));
  peer.text(std::string(200'000, 'c'));
  peer.frame(1, std::string(600, 'd'), false);
  peer.frame(0, std::string(600, 'e'), true);
  peer.text("next");
  REQUIRE(socket.wait_for_texts(5));
  CHECK(socket.texts[0] == std::pair(std::string(1000, 'a'), size_t{1000}));
  CHECK(socket.texts[1] == std::pair(std::string(1000, 'b'), size_t{1001}));
  CHECK(socket.texts[2] == std::pair(std::string(1000, 'c'), size_t{200'000}));
  CHECK(socket.texts[3] == std::pair(std::string(600, 'd') + std::string(400, 'e'), size_t{1200}));
  CHECK(socket.texts[4] == std::pair(std::string("next"), size_t{4}));
}
