// How a WebSocket begins, is kept alive and ends.
#include <algorithm>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/support/soon.h"
#include "tests/unit/net/socket.h"

using namespace aribus;
using namespace aribus::test;

TEST_CASE("a connection without a byte is asked, and given up when it is dead") {
  Loop loop;
  FakeAsterisk asterisk(loop, upgrade);
  Socket socket(loop);
  auto options = socket.options(asterisk.port());
  options.ping_interval = Milliseconds(40);
  options.silence_timeout = Milliseconds(160);
  auto& peer = socket.open(asterisk, options);
  pump_for(loop, Milliseconds(400));  // pings are answered: it is alive
  CHECK(socket.closed.empty());
  CHECK(asterisk.frames.size() >= 2);
  CHECK(asterisk.frames[0] == 9);
  peer.fall_silent();
  REQUIRE(pump(loop, [&] { return socket.closed.size() == 1; }));
  CHECK_THAT(socket.closed[0].reason, ContainsSubstring("dead"));
}

TEST_CASE("events keep a connection alive without pings") {
  Loop loop;
  FakeAsterisk asterisk(loop, upgrade);
  Socket socket(loop);
  auto options = socket.options(asterisk.port());
  options.ping_interval = Milliseconds(400);
  options.silence_timeout = Milliseconds(800);
  auto& peer = socket.open(asterisk, options);
  Timer events(loop);
  events.every(Milliseconds(10), [&] { peer.text("{}"); });
  pump_for(loop, Milliseconds(900));
  CHECK(socket.closed.empty());
  CHECK(asterisk.frames.empty());
}

TEST_CASE("a server that does not answer the handshake is given up in time") {
  Loop loop;
  FakeAsterisk asterisk(loop, [](auto&, auto&) {});
  Socket socket(loop);
  auto options = socket.options(asterisk.port());
  options.connect_timeout = Milliseconds(60);
  socket.connect(options);
  REQUIRE(pump(loop, [&] { return socket.closed.size() == 1; }));
  CHECK(socket.closed[0].http_status == 0);
  CHECK_THAT(socket.closed[0].reason, ContainsSubstring("60 ms"));
  CHECK(socket.opened == 0);
  pump_for(loop, Milliseconds(30));
  CHECK(socket.closed.size() == 1);
}

TEST_CASE("a refused handshake tells its status, a refused connection its address") {
  Loop loop;
  FakeAsterisk asterisk(loop, [](auto& peer, auto&) { peer.answer(401, "{}"); });
  Socket socket(loop);
  socket.connect(socket.options(asterisk.port()));
  REQUIRE(pump(loop, [&] { return socket.closed.size() == 1; }));
  CHECK(socket.closed[0].http_status == 401);
  asterisk.stop_listening();
  socket.connect(socket.options(asterisk.port()));
  REQUIRE(pump(loop, [&] { return socket.closed.size() == 2; }));
  CHECK(socket.closed[1].http_status == 0);
  CHECK_THAT(socket.closed[1].reason, ContainsSubstring(std::to_string(asterisk.port())));
}

TEST_CASE("a text message is sent as one frame, and none before the connection stands") {
  Loop loop;
  FakeAsterisk asterisk(loop, upgrade);
  Socket socket(loop);
  CHECK(socket.socket->send("early").error().kind == ErrorKind::not_connected);
  socket.open(asterisk);
  CHECK(socket.socket->send("hello").ok());
  CHECK(pump(loop, [&] { return asterisk.frames == std::vector<int>{1}; }));
}

TEST_CASE("close() sends a close frame") {
  Loop loop;
  FakeAsterisk asterisk(loop, upgrade);
  Socket socket(loop);
  auto& peer = socket.open(asterisk);
  socket.socket->close();
  REQUIRE(pump(loop, [&] { return !peer.open(); }));
  CHECK(asterisk.frames == std::vector<int>{8});
}

TEST_CASE("no callback comes after close()") {
  Loop loop;
  FakeAsterisk asterisk(loop, upgrade);
  Socket socket(loop);
  auto& peer = socket.open(asterisk);
  peer.text("too late");
  socket.socket->close();
  REQUIRE(pump(loop, [&] { return !peer.open(); }));
  pump_for(loop, Milliseconds(20));
  CHECK(socket.texts.empty());
  CHECK(socket.closed.empty());
}

TEST_CASE("a connection that is reset before the handshake is answered is told, and the next one succeeds") {
  Loop loop;
  FakeAsterisk asterisk(loop, [](auto& peer, auto&) { peer.reset(); });
  Socket socket(loop);
  auto options = socket.options(asterisk.port());
  options.connect_timeout = Milliseconds(300);
  for (size_t i = 1; i <= 3; ++i) {
    socket.connect(options);
    REQUIRE(pump(loop, [&] { return socket.closed.size() == i; }));
    CHECK_THAT(socket.closed.back().reason, ContainsSubstring("reset"));
    pump_for(loop, Milliseconds(400));  // no time-out of the connection that is gone
    CHECK(socket.closed.size() == i);
  }
  asterisk.set_script(upgrade);
  socket.connect(options);
  CHECK(pump(loop, [&] { return socket.opened == 1; }));
}

TEST_CASE("a redirect is not followed, is told, and costs nothing however often it comes") {
  Loop loop;
  FakeAsterisk other(loop, upgrade);
  FakeAsterisk asterisk(
      loop, [&](auto& peer, auto&) { peer.answer(302, "", "Location: " + other.url() + "/ari/events\r\n"); });
  Socket socket(loop);
  constexpr size_t attempts = 100;
  for (size_t i = 1; i <= attempts; ++i) {
    socket.connect(socket.options(asterisk.port()));
    REQUIRE(pump(loop, [&] { return socket.closed.size() == i; }));
    REQUIRE(socket.closed.back().http_status == 302);
  }
  CHECK(other.requests.empty());
  asterisk.set_script(upgrade);
  socket.connect(socket.options(asterisk.port()));
  CHECK(pump(loop, [&] { return socket.opened == 1; }));
}

TEST_CASE("a process that was stopped does not take its own silence for the server's") {
  Loop loop;
  FakeAsterisk asterisk(loop, upgrade);
  Socket socket(loop);
  auto options = socket.options(asterisk.port());
  options.ping_interval = Milliseconds(40);
  options.silence_timeout = Milliseconds(200);
  auto& peer = socket.open(asterisk, options);
  for (int i = 0; i < 3; ++i) {
    let_pass(Milliseconds(280));
    peer.text(R"({"type":"Meanwhile"})");
    pump_for(loop, Milliseconds(40));
  }
  let_pass(Milliseconds(280));  // and nothing came meanwhile
  pump_for(loop, Milliseconds(120));
  const size_t asked = asterisk.frames.size();
  REQUIRE(pump(loop, [&] { return asterisk.frames.size() > asked; }));
  let_pass(Milliseconds(280));  // while the answer to a ping was under way
  pump_for(loop, Milliseconds(120));
  CHECK(socket.closed.empty());
  CHECK(socket.texts.size() == 3);
}

#ifndef __SANITIZE_ADDRESS__  // UBSan, built together with it, makes a pipe to look at an object
TEST_CASE("without descriptors left a connection fails with a reason, and later ones succeed") {
  Loop loop;
  FakeAsterisk asterisk(loop, upgrade);
  Socket socket(loop);
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit few{std::min<rlim_t>(before.rlim_cur, 1000), before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
  std::vector<Fd> hoard;
  for (;;) {
    Fd fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!fd.valid()) break;
    hoard.push_back(std::move(fd));
  }
  Timer at_once(loop);
  at_once.once(Milliseconds(0), [&] { socket.connect(socket.options(asterisk.port())); });
  const bool told = pump(loop, [&] { return socket.closed.size() == 1; });
  hoard.clear();
  ::setrlimit(RLIMIT_NOFILE, &before);
  REQUIRE(told);
  CHECK_THAT(socket.closed[0].reason, ContainsSubstring("descriptors"));
  socket.connect(socket.options(asterisk.port()));
  CHECK(pump(loop, [&] { return socket.opened == 1; }));
}
#endif
