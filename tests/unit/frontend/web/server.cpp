#include "frontend/web/server.h"

#include <cstring>
#include <deque>

#include <sys/socket.h>
#include <sys/un.h>

#include "frontend/web/handshake.h"
#include "tests/catch.h"
#include "tests/support/websocket_client.h"
#include "tests/unit/session/daemon.h"

using namespace aribus;
using namespace aribus::test;

namespace {

// A daemon that listens for WebSockets too.
struct Web {
  Daemon daemon;
  std::string path = daemon.directory.path("web.sock");
  std::optional<frontend::WebServer> server;

  explicit Web(Milliseconds handshake_timeout = Milliseconds(30'000), size_t max_connections = 1024)
      : daemon({}, max_connections) {
    server.emplace(daemon.loop, *daemon.sessions, SocketOptions{.path = path, .mode = 0600},
                   handshake_timeout);
    std::map<std::string, Fd> none;
    REQUIRE(server->listen(none).ok());
  }
};

// What connects to it.
class Visitor {
 public:
  explicit Visitor(Web& web)
      : web_(web), socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, web.path.data(), web.path.size());
    REQUIRE(::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  void send(std::string_view bytes) {
    REQUIRE(::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(bytes.size()));
  }
  void say(const std::string& line) { send(client.frames(line + "\n")); }
  void read() {
    char buffer[65536];
    for (ssize_t count = 0; !ended;) {
      count = ::recv(socket_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
      if (count < 0 && errno == EAGAIN) return;
      if (count <= 0) {
        ended = true;
      } else {
        client.feed({buffer, static_cast<size_t>(count)}, lines);
      }
    }
  }
  bool wait(const std::function<bool()>& done) {
    return web_.daemon.pump([&] {
      read();
      return done();
    });
  }
  bool opens() {
    return wait([&] { return client.is_open() || ended; }) && client.is_open();
  }
  std::string line() {
    wait([&] { return ended || lines.find('\n') != std::string::npos; });
    return lines.substr(0, lines.find('\n'));
  }
  // The answer that refuses, after which the connection ends.
  std::string refusal() {
    CHECK(wait([&] { return ended; }));
    return client.answer();
  }
  void close() { socket_.reset(); }

  WebSocketClient client;
  std::string lines;
  bool ended = false;

 private:
  Web& web_;
  Fd socket_;
};

constexpr const char* ping = R"({"jsonrpc":"2.0","id":1,"method":"ping"})";

}  // namespace

TEST_CASE("a program on a WebSocket has a session") {
  Web web;
  Visitor program(web);
  program.send(WebSocketClient::request());
  REQUIRE(program.opens());
  program.say(ping);
  CHECK(json(program.line()).HasMember("result"));
  CHECK(web.daemon.sessions->connections() == 1);
  program.close();
  CHECK(web.daemon.pump([&] { return web.daemon.sessions->connections() == 0; }));
}

TEST_CASE("a request for a WebSocket may come byte by byte") {
  Web web;
  Visitor program(web);
  for (const char byte : WebSocketClient::request("/rpc?x=1")) {
    program.send({&byte, 1});
    uv_run(web.daemon.loop.raw(), UV_RUN_NOWAIT);
  }
  CHECK(program.opens());
}

TEST_CASE("an access rule can be for the socket of WebSockets") {
  Web web;
  control::AccessRule rule{.name = "web", .methods = {"read"}};
  rule.sockets = {web.path};
  web.daemon.set_rule(rule);
  Visitor program(web);
  program.send(WebSocketClient::request());
  REQUIRE(program.opens());
  program.say(ping);
  CHECK(json(program.line()).HasMember("result"));
}

TEST_CASE("a program on a WebSocket that no rule is for, or that there is no room for, is told why") {
  {
    Web web;
    control::AccessRule rule{.name = "others", .methods = {"read"}};
    rule.sockets = {web.daemon.path};
    web.daemon.set_rule(rule);
    Visitor program(web);
    program.send(WebSocketClient::request());
    CHECK_THAT(program.line(), ContainsSubstring("-32003"));
    CHECK(program.wait([&] { return program.ended; }));
    CHECK(program.client.close_code() == 1008);
  }
  Web full(Milliseconds(30'000), 1);
  std::deque<Visitor> programs;
  for (int i = 0; i < 2; ++i) {
    programs.emplace_back(full).send(WebSocketClient::request());
    REQUIRE(programs.back().opens());
  }
  CHECK_THAT(programs.back().line(), ContainsSubstring("-32004"));
  CHECK(programs.back().wait([&] { return programs.back().ended; }));
  CHECK(programs.back().client.close_code() == 1008);
}

TEST_CASE("a request that asks for no WebSocket here is refused with a sentence") {
  const std::string good = WebSocketClient::request();
  const auto without = [&](const std::string& header) {
    const size_t at = good.find(header);
    std::string rest = good;
    return rest.erase(at, good.find("\r\n", at) + 2 - at);
  };
  const std::tuple<std::string, std::string, std::string> table[] = {
      {WebSocketClient::request("/"), "404 Not Found", "The path is /rpc."},
      {WebSocketClient::request("/rpc/"), "404 Not Found", "The path is /rpc."},
      {without("Upgrade: "), "426 Upgrade Required", "This is a WebSocket"},
      {without("Sec-WebSocket-Version"), "426 Upgrade Required", "Sec-WebSocket-Version: 13"},
      {without("Sec-WebSocket-Key"), "400 Bad Request", "Sec-WebSocket-Key"},
      {without("Host"), "400 Bad Request", "Host"},
      {"POST" + good.substr(3), "405 Method Not Allowed", "GET"},
      {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\r\n\r\n", "400 Bad Request", "GET /path HTTP/1.1"},
      {std::string(ping) + "\n", "400 Bad Request", "Lines of JSON go to another socket."},
      {good + "x", "400 Bad Request", "before it is answered"},
      {"GET /rpc HTTP/1.1\r\nX: " + std::string(max_handshake_bytes, 'x'), "431 ", "16 KiB"},
      {WebSocketClient::request("/rpc", "Origin: https://evil.example\r\n"), "403 Forbidden", "another host"},
      {WebSocketClient::request("/rpc", "Origin: null\r\n"), "403 Forbidden", "another host"},
      {WebSocketClient::request("/rpc", "Origin: http://localhost\r\nOrigin: http://x\r\n"),
       "400 Bad Request", "Origin"},
  };
  for (const auto& [request, status, sentence] : table) {
    INFO(request);
    Web web;
    Visitor visitor(web);
    visitor.send(request);
    const std::string refusal = visitor.refusal();
    CHECK_THAT(refusal, ContainsSubstring("HTTP/1.1 " + status));
    CHECK_THAT(refusal.substr(handshake_size(refusal)), ContainsSubstring(sentence));
    CHECK(web.daemon.sessions->accepted() == 0);
  }
}

TEST_CASE("the page of a browser must be from the host that is connected to") {
  const auto accepts = [](const std::string& origin, const std::string& host) {
    std::string head = WebSocketClient::request("/rpc", "Origin: " + origin + "\r\n");
    const std::string shown = "Host: localhost";
    return frontend::accept_request(head.replace(head.find(shown), shown.size(), "Host: " + host)).ok();
  };
  CHECK(accepts("https://pbx.example", "pbx.example"));
  CHECK(accepts("https://PBX.example", "pbx.EXAMPLE:443"));
  CHECK(accepts("http://pbx.example:80", "pbx.example"));
  CHECK(accepts("http://[::1]:8080", "[::1]:8080"));
  CHECK_FALSE(accepts("https://pbx.example:8443", "pbx.example"));
  CHECK_FALSE(accepts("https://pbx.example", "pbx.example:80"));
  CHECK_FALSE(accepts("http://pbx.example.evil.example", "pbx.example"));
  CHECK_FALSE(accepts("file://", ""));
  CHECK_FALSE(accepts("pbx.example", "pbx.example"));
}

TEST_CASE("who connects and says nothing is let go, and keeps nobody out") {
  Web web;
  std::deque<Visitor> silent;
  for (int i = 0; i < 40; ++i) silent.emplace_back(web);
  Visitor program(web);
  program.send(WebSocketClient::request());
  CHECK(program.opens());
  int refused = 0;
  for (Visitor& visitor : silent) {
    visitor.read();
    if (visitor.ended) ++refused;
    if (visitor.ended) CHECK_THAT(visitor.client.answer(), ContainsSubstring("503 "));
  }
  CHECK(refused >= 8);
  CHECK(refused <= 9);

  Web hasty(Milliseconds(1));
  Visitor slow(hasty);
  slow.send("GET /rpc");
  CHECK_THAT(slow.refusal(), ContainsSubstring("408 Request Timeout"));
}

TEST_CASE("any number of programs that connect at once get in") {
  Web web;
  std::deque<Visitor> programs;
  for (int i = 0; i < 200; ++i) programs.emplace_back(web).send(WebSocketClient::request());
  for (Visitor& program : programs) CHECK(program.opens());
}

TEST_CASE("a visitor that goes in the middle of its request is forgotten") {
  Web web;
  {
    Visitor visitor(web);
    visitor.send("GET /rpc HTTP/1.1\r\n");
    uv_run(web.daemon.loop.raw(), UV_RUN_NOWAIT);
  }
  Visitor program(web);
  program.send(WebSocketClient::request());
  CHECK(program.opens());
}

TEST_CASE("a daemon that stops tells the programs on WebSockets") {
  Web web;
  Visitor program(web), late(web);
  program.send(WebSocketClient::request());
  REQUIRE(program.opens());
  late.send("GET /rpc");
  uv_run(web.daemon.loop.raw(), UV_RUN_NOWAIT);
  bool drained = false;
  web.server->close();
  web.daemon.drain(Milliseconds(30'000), [&] { drained = true; });
  CHECK(web.daemon.pump([&] { return drained; }));
  CHECK_THAT(late.refusal(), ContainsSubstring("503 "));
  CHECK(program.wait([&] { return program.ended; }));
  CHECK(program.client.close_code() == 1001);
  CHECK_FALSE(std::filesystem::exists(web.path));
}

TEST_CASE("the socket of WebSockets can be changed while programs are connected") {
  Web web;
  Visitor program(web);
  program.send(WebSocketClient::request());
  REQUIRE(program.opens());
  const std::string before = web.path;
  web.path = web.daemon.directory.path("other.sock");
  REQUIRE(web.server->prepare(SocketOptions{.path = web.path, .mode = 0600}).ok());
  web.server->commit();
  CHECK_FALSE(std::filesystem::exists(before));
  Visitor second(web);
  second.send(WebSocketClient::request());
  CHECK(second.opens());
  REQUIRE(web.server->prepare(std::nullopt).ok());
  web.server->commit();
  CHECK_FALSE(std::filesystem::exists(web.path));
  program.say(ping);
  CHECK(json(program.line()).HasMember("result"));
}
