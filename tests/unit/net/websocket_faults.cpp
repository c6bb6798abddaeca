// What a server may do to a WebSocket, and what a callback may.
#include <chrono>
#include <cstring>

#include <dlfcn.h>
#include <netdb.h>

#include "net/websocket_frame.h"
#include "net/websocket_handshake.h"
#include "tests/unit/net/socket.h"

using namespace aribus;
using namespace aribus::test;

namespace {

constexpr const char* two_addresses = "two-addresses.test";  // 127.0.0.2, where nobody listens, and 127.0.0.1

}  // namespace

// In the place of the C library's, for that name.
extern "C" int getaddrinfo(const char* name, const char* service, const addrinfo* hints, addrinfo** found) {
  using Function = decltype(&getaddrinfo);
  static const auto real = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  if (name == nullptr || std::strcmp(name, two_addresses) != 0) return real(name, service, hints, found);
  if (hints != nullptr && (hints->ai_flags & AI_NUMERICHOST) != 0) return EAI_NONAME;
  addrinfo* second = nullptr;
  int status = real("127.0.0.1", service, hints, &second);
  if (status == 0) status = real("127.0.0.2", service, hints, found);
  if (status == 0) (*found)->ai_next = second;
  return status;
}

namespace {

std::string answer_to(const std::string& request) {
  return accepting_answer(read_request(request).value().key, "ari");
}

std::string text_frame(std::string_view text) {
  std::string out;
  append_frame(out, Opcode::text, text, {});
  return out;
}

}  // namespace

TEST_CASE("an answer that comes byte by byte is read, and what follows it in one piece") {
  Loop loop;
  FakeAsterisk asterisk(loop, [&](auto& peer, auto& request) {
    const std::string stream = answer_to(request) + text_frame("early");
    for (const char byte : stream) {
      peer.send({&byte, 1});
      uv_run(loop.raw(), UV_RUN_NOWAIT);
    }
  });
  Socket socket(loop);
  socket.connect(socket.options(asterisk.port()));
  REQUIRE(socket.wait_for_texts(1));
  CHECK(socket.opened == 1);
  CHECK(socket.texts[0].first == "early");
}

TEST_CASE("an answer that makes no WebSocket of the connection is told with its reason") {
  Loop loop;
  std::string answer;
  FakeAsterisk asterisk(loop, [&](auto& peer, auto&) { peer.send(answer); });
  Socket socket(loop);
  const std::pair<std::string, const char*> table[] = {
      {"SSH-2.0-OpenSSH_9.2\r\n\r\n", "no HTTP"},
      {accepting_answer("another key", "ari"), "Sec-WebSocket-Accept"},
      {"HTTP/1.1 101 Switching Protocols\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n", "over 16384 bytes"},
      {"HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x'), "over 16384 bytes"},
  };
  for (const auto& [text, reason] : table) {
    answer = text;
    socket.closed.clear();
    socket.connect(socket.options(asterisk.port()));
    REQUIRE(pump(loop, [&] { return socket.closed.size() == 1; }));
    CHECK_THAT(socket.closed[0].reason, ContainsSubstring(reason));
    CHECK(socket.closed[0].http_status == 0);
  }
  CHECK(socket.opened == 0);
}

TEST_CASE("a connection that ends at any byte ends once, and the next one succeeds") {
  Loop loop;
  size_t cut = 0;
  bool with_reset = false;
  size_t length = 1;
  FakeAsterisk asterisk(loop, [&](auto& peer, auto& request) {
    const std::string stream =
        answer_to(request) + text_frame("one") + text_frame(std::string(200, 'x')) + text_frame("three");
    length = stream.size();
    peer.send(std::string_view(stream).substr(0, cut));
    uv_run(loop.raw(), UV_RUN_NOWAIT);
    with_reset ? peer.reset() : peer.close();
  });
  Socket socket(loop);
  for (; cut < length; cut += cut < 100 ? 10 : 1) {
    with_reset = !with_reset;
    socket.closed.clear();
    socket.connect(socket.options(asterisk.port()));
    REQUIRE(pump(loop, [&] { return !socket.closed.empty(); }));
    uv_run(loop.raw(), UV_RUN_NOWAIT);
    REQUIRE(socket.closed.size() == 1);
  }
  CHECK(socket.opened > 100);
  asterisk.set_script(upgrade);
  socket.opened = 0;
  socket.connect(socket.options(asterisk.port()));
  CHECK(pump(loop, [&] { return socket.opened == 1; }));
}

TEST_CASE("a host's addresses are tried in turn") {
  Loop loop;
  FakeAsterisk asterisk(loop, upgrade);  // on 127.0.0.1 alone
  Socket socket(loop);
  auto options = socket.options(asterisk.port());
  options.url.host = two_addresses;
  socket.open(asterisk, options);
}

TEST_CASE("the server's close frame is answered and told") {
  Loop loop;
  FakeAsterisk asterisk(loop, upgrade);
  Socket socket(loop);
  auto& peer = socket.open(asterisk);
  peer.frame(8, close_payload(1001, "shutting down\xff"));
  REQUIRE(pump(loop, [&] { return !peer.open() && socket.closed.size() == 1; }));
  CHECK(asterisk.frames == std::vector<int>{8});
  CHECK(socket.closed[0].reason ==
        "Asterisk closed the event stream with code 1001, saying 'shutting down\xEF\xBF\xBD'");
}

TEST_CASE("a server that breaks the protocol is told so and left") {
  Loop loop;
  FakeAsterisk asterisk(loop, upgrade);
  Socket socket(loop);
  auto& peer = socket.open(asterisk);
  peer.send("\xC1\x05hello");
  REQUIRE(pump(loop, [&] { return !peer.open() && socket.closed.size() == 1; }));
  CHECK(asterisk.frames == std::vector<int>{8});
  CHECK_THAT(socket.closed[0].reason, ContainsSubstring("a reserved bit is set"));
}

TEST_CASE("text that is not UTF-8 is handed on as it is") {
  Loop loop;
  FakeAsterisk asterisk(loop, upgrade);
  Socket socket(loop);
  auto& peer = socket.open(asterisk);
  peer.text("\xff");
  peer.frame(1, "\xC3", false);
  peer.frame(0, "(");
  peer.text("fine");
  REQUIRE(socket.wait_for_texts(3));
  CHECK(socket.texts[0].first == "\xff");
  CHECK(socket.texts[1].first == "\xC3(");
  CHECK(socket.closed.empty());
}

TEST_CASE("a server that sends pings and reads nothing costs no memory") {
  Loop loop;
  FakeAsterisk asterisk(loop, upgrade);
  Socket socket(loop);
  auto& peer = socket.open(asterisk);
  peer.fall_silent();
  std::string pings;
  for (int i = 0; i < 1000; ++i) append_frame(pings, Opcode::ping, std::string(125, 'p'), {});
  for (int i = 0; i < 100; ++i) peer.send(pings);
  peer.text("after");
  REQUIRE(socket.wait_for_texts(1));
  CHECK(socket.socket->send(std::string(900'000, 'x')).ok());  // what waits is far below 1 MiB
}

TEST_CASE("what can't be sent is bounded") {
  Loop loop;
  FakeAsterisk asterisk(loop, upgrade);
  Socket socket(loop);
  socket.open(asterisk).fall_silent();
  Result<void> sent;
  for (int i = 0; i < 100 && sent; ++i) sent = socket.socket->send(std::string(1 << 20, 'x'));
  REQUIRE_FALSE(sent);
  CHECK(sent.error().kind == ErrorKind::too_much);
}

TEST_CASE("a burst leaves the loop to others every few milliseconds") {
  using Clock = std::chrono::steady_clock;
  Loop loop;
  FakeAsterisk asterisk(loop, upgrade);
  const auto socket = make_websocket(loop);
  constexpr size_t count = 20'000;
  size_t taken = 0;
  bool opened = false;
  socket->connect(Socket(loop).options(asterisk.port()),
                  {[&] { opened = true; },
                   [&](std::string_view, size_t) {
                     ++taken;
                     for (const auto until = Clock::now() + std::chrono::microseconds(20);
                          Clock::now() < until;) {
                     }
                   },
                   [](const WebSocketClosed&) {}});
  REQUIRE(pump(loop, [&] { return opened; }));
  std::string burst;
  for (size_t i = 0; i < count; ++i) burst += text_frame("{}");
  asterisk.websocket()->send(burst);
  int ticks = 0;
  Timer timer(loop);
  timer.every(Milliseconds(1), [&] { ++ticks; });
  REQUIRE(pump(loop, [&] { return taken == count; }));
  CHECK(ticks > 40);  // of 400 ms
}

TEST_CASE("a callback may close the connection, and open another") {
  Loop loop;
  FakeAsterisk asterisk(loop, upgrade);
  const auto socket = make_websocket(loop);
  const auto options = Socket(loop).options(asterisk.port());
  std::vector<std::string> texts;
  int opened = 0;
  int closed = 0;
  bool again = false;
  std::function<void()> connect;
  connect = [&] {
    socket->connect(options, {[&] { ++opened; },
                              [&](std::string_view text, size_t) {
                                socket->close();
                                if (again) connect();
                                texts.emplace_back(text);  // it is still there
                              },
                              [&](const WebSocketClosed&) {
                                ++closed;
                                connect();
                              }});
  };
  const auto burst = [&] {
    asterisk.websocket()->send(text_frame("one") + text_frame(std::string(70'000, 'x')) +
                               text_frame("three"));
  };
  connect();
  REQUIRE(pump(loop, [&] { return opened == 1; }));
  burst();
  REQUIRE(pump(loop, [&] { return texts.size() == 1 && asterisk.websocket() == nullptr; }));
  again = true;
  connect();
  REQUIRE(pump(loop, [&] { return opened == 2; }));
  burst();
  REQUIRE(pump(loop, [&] { return opened == 3; }));
  CHECK(texts == std::vector<std::string>{"one", "one"});
  CHECK(closed == 0);
  REQUIRE(pump(loop, [&] { return asterisk.websocket() == asterisk.peers.back().get(); }));
  asterisk.websocket()->frame(8, "");
  REQUIRE(pump(loop, [&] { return opened == 4; }));
  CHECK(closed == 1);
  socket->close();
}
