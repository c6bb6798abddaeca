// Our WebSocket and those of others, either way.
#include <unistd.h>

#include "net/websocket.h"
#include "tests/catch.h"
#include "tests/interop/echo_server.h"
#include "tests/interop/node_path.h"
#include "tests/support/left_out.h"
#include "tests/support/process.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::ari;
using namespace aribus::test;

namespace {

bool has_node_ws() {
  static const bool has = [] {
    Process probe({"node", "-e", "require('ws')"}, "/dev/null", node_path);
    return probe.wait(std::chrono::seconds(30)) == 0;
  }();
  if (!has) leave_out("node-ws is not installed: scripts/install-dependencies --tests does that");
  return has;
}

std::vector<std::string> peer(const std::string& which) {
  if (which == "libwebsockets") return {LWS_PEER};
  return {"node", WS_PEER};
}

std::vector<std::string> with(std::vector<std::string> argv, const std::vector<std::string>& more) {
  argv.insert(argv.end(), more.begin(), more.end());
  return argv;
}

// Turns `loop` until `done()`, which the loop does not hear of.
bool pump_often(Loop& loop, const std::function<bool()>& done) {
  Timer tick(loop);
  tick.every(Milliseconds(10), [] {});
  return pump(loop, done, std::chrono::seconds(30));
}

std::string text_of(size_t size) {
  std::string text;
  for (size_t i = 0; i < size / 2; ++i) text += "ä";
  return text + std::string(size % 2, 'x');
}

// Our client, connected to a server of others.
struct Stage {
  explicit Stage(const std::string& which)
      : server(with(peer(which), {"serve"}), "", node_path), socket(make_websocket(loop)) {
    const auto port = server.read_line(std::chrono::seconds(30));
    REQUIRE(port);
    WebSocketOptions options;
    options.url.host = "127.0.0.1";
    options.url.port = std::stoi(*port);
    options.target = "/echo?x=1";
    options.subprotocol = "ari";
    options.ping_interval = Milliseconds(100);
    options.silence_timeout = Milliseconds(10'000);
    socket->connect(options, {[this] { opened = true; },
                              [this](std::string_view text, size_t total) {
                                texts.emplace_back(text);
                                CHECK(total == text.size());
                              },
                              [this](const WebSocketClosed& why) { closed.push_back(why.reason); }});
    pump(loop, [&] { return opened || !closed.empty(); });
    if (!closed.empty()) FAIL(closed[0]);
    REQUIRE(opened);
  }
  std::string ask(const std::string& text) {
    texts.clear();
    REQUIRE(socket->send(text).ok());
    REQUIRE(pump(
        loop, [&] { return !texts.empty() || !closed.empty(); }, std::chrono::seconds(20)));
    return texts.empty() ? "closed: " + closed[0] : texts[0];
  }

  Loop loop;
  Process server;
  std::unique_ptr<WebSocket> socket;
  bool opened = false;
  std::vector<std::string> texts;
  std::vector<std::string> closed;
};

void check_client_against(const std::string& which) {
  Stage stage(which);
  for (const size_t size : {0, 1, 125, 126, 65'535, 65'536, 1 << 20}) {
    INFO(size);
    CHECK(stage.ask(text_of(size)) == text_of(size));
  }
  CHECK(stage.ask("!fragments") == "one two");
  CHECK(stage.ask("!binary") == "\x01\x02\x03");
  CHECK(stage.ask("!ping") == "pong: are you there");
  pump_for(stage.loop, Milliseconds(500));  // our pings are answered
  CHECK(stage.closed.empty());
  CHECK_THAT(stage.ask("!close"), ContainsSubstring("code 4001"));

  Stage other(which);
  CHECK_THAT(other.ask("!terminate"), ContainsSubstring("closed: "));

  Stage leaving(which);
  leaving.socket->close();
  std::string said;
  CHECK(pump_often(leaving.loop, [&] {
    if (said.empty()) said = leaving.server.read_line(Milliseconds(1)).value_or("");
    return !said.empty();
  }));
  CHECK(said == (which == "libwebsockets" ? "closed" : "closed 1000"));
}

void check_server_against(const std::string& which) {
  Loop loop;
  EchoServer server(loop);
  const TemporaryDirectory directory;
  Process client(with(peer(which), {"connect", std::to_string(server.port())}), directory / "out", node_path);
  std::optional<int> status;
  pump_often(loop, [&] { return (status = client.wait(Milliseconds(0))).has_value(); });
  pump(loop, [&] { return !server.closed.empty(); });  // what it said at last may lie in the socket yet
  INFO(read_file(directory / "out"));
  CHECK(status == 0);
  CHECK(server.violations.empty());
  CHECK(server.closed == std::vector<uint16_t>{4002});
}

}  // namespace

TEST_CASE("our client talks with libwebsockets' server") {
  check_client_against("libwebsockets");
}

TEST_CASE("our client talks with the server of npm's ws") {
  if (has_node_ws()) check_client_against("ws");
}

TEST_CASE("our server talks with libwebsockets' client") {
  check_server_against("libwebsockets");
}

TEST_CASE("our server talks with the client of npm's ws") {
  if (has_node_ws()) check_server_against("ws");
}
