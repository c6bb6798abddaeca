#include "net/http.h"

#include <cerrno>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ari/operation.h"
#include "tests/catch.h"
#include "tests/support/fake_asterisk.h"
#include "tests/support/soon.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::ari;
using aribus::test::FakeAsterisk;
using aribus::test::pump;

namespace {

// An Http whose answers are kept in the order in which they came.
struct Sender {
  Loop& loop;
  std::vector<Result<HttpResponse>> answers;
  Http http;

  Sender(Loop& its_loop, int port, int max_connections = 8, size_t max_response_bytes = 1 << 20)
      : loop(its_loop), http(loop, options(port, max_connections, max_response_bytes)) {}

  static HttpOptions options(int port, int max_connections, size_t max_response_bytes) {
    HttpOptions options;
    options.url.host = "127.0.0.1";
    options.url.port = port;
    options.username = "aribus";
    options.password = "s3cret";
    options.max_connections = max_connections;
    options.max_response_bytes = max_response_bytes;
    return options;
  }
  void send(const std::string& method, const std::string& target, const std::string& body = "",
            Milliseconds timeout = Milliseconds(3000)) {
    http.send({method, target, body, timeout},
              [this](Result<HttpResponse> answer) { answers.push_back(std::move(answer)); });
  }
  Result<HttpResponse> ask(const std::string& method, const std::string& target, const std::string& body = "",
                           Milliseconds timeout = Milliseconds(3000)) {
    const size_t before = answers.size();
    send(method, target, body, timeout);
    REQUIRE(answers.size() == before);  // never from within send()
    REQUIRE(pump(loop, [&] { return answers.size() > before; }));
    return answers.back();
  }
};

void answer_ok(FakeAsterisk::Peer& peer, const std::string&) {
  peer.answer(200, R"({"ok":true})");
}

}  // namespace

TEST_CASE("a request goes out as it is and its answer comes back whole") {
  Loop loop;
  FakeAsterisk asterisk(loop, [](auto& peer, auto&) { peer.answer(418, "no coffee"); });
  Sender sender(loop, asterisk.port());
  const auto answer = sender.ask("POST", "/ari/channels/a%2Fb/answer?x=%20", R"({"a":1})");
  REQUIRE(answer.ok());
  CHECK(answer->status == 418);
  CHECK(answer->body == "no coffee");
  CHECK(answer->content_type == "application/json");
  REQUIRE(asterisk.requests.size() == 1);
  const std::string& request = asterisk.requests[0];
  CHECK(request.starts_with("POST /ari/channels/a%2Fb/answer?x=%20 HTTP/1.1\r\n"));
  CHECK_THAT(request, ContainsSubstring("Content-Type: application/json\r\n"));
  CHECK(request.ends_with("\r\n\r\n{\"a\":1}"));
}

TEST_CASE("an id that is a dot or two stays in the path") {
  Loop loop;
  FakeAsterisk asterisk(loop, answer_ok);
  Sender sender(loop, asterisk.port());
  REQUIRE(sender.ask("DELETE", "/ari/channels/..").ok());
  CHECK(asterisk.requests[0].starts_with("DELETE /ari/channels/.. HTTP/1.1\r\n"));
}

TEST_CASE("a POST without a body says so") {
  Loop loop;
  FakeAsterisk asterisk(loop, answer_ok);
  Sender sender(loop, asterisk.port());
  REQUIRE(sender.ask("POST", "/ari/channels/c1/answer").ok());
  CHECK_THAT(asterisk.requests[0], ContainsSubstring("Content-Length: 0\r\n"));
  CHECK(asterisk.requests[0].find("Content-Type") == std::string::npos);
}

TEST_CASE("credentials are in the Authorization header and nowhere else") {
  Loop loop;
  FakeAsterisk asterisk(loop, answer_ok);
  Sender sender(loop, asterisk.port());
  REQUIRE(sender.ask("GET", "/ari/channels").ok());
  CHECK_THAT(asterisk.requests[0], ContainsSubstring("Authorization: Basic YXJpYnVzOnMzY3JldA==\r\n"));
  CHECK(asterisk.requests[0].find("s3cret") == std::string::npos);
}

TEST_CASE("connections are kept alive and shared") {
  Loop loop;
  FakeAsterisk asterisk(loop, answer_ok);
  Sender sender(loop, asterisk.port());
  for (int i = 0; i < 5; ++i) REQUIRE(sender.ask("GET", "/ari/channels").ok());
  CHECK(asterisk.peers.size() == 1);
}

TEST_CASE("no more than the bound of connections are made, and all requests are answered") {
  Loop loop;
  FakeAsterisk asterisk(loop, answer_ok);
  Sender sender(loop, asterisk.port(), 2);
  for (int i = 0; i < 20; ++i) sender.send("POST", "/ari/channels/c1/ring");
  CHECK(sender.http.open_requests() == 20);
  REQUIRE(pump(loop, [&] { return sender.answers.size() == 20; }));
  CHECK(asterisk.peers.size() <= 2);
  CHECK(asterisk.requests.size() == 20);
  CHECK(sender.http.open_requests() == 0);
}

TEST_CASE("a refused connection means that nothing was sent") {
  Loop loop;
  FakeAsterisk asterisk(loop, answer_ok);
  asterisk.stop_listening();
  Sender sender(loop, asterisk.port());
  const auto answer = sender.ask("POST", "/ari/channels", "{}");
  REQUIRE_FALSE(answer.ok());
  CHECK(answer.error().kind == ErrorKind::not_connected);
}

TEST_CASE("what was given up is not sent any more: the connection ends with RST") {
  Loop loop;
  const Fd listener(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* here = reinterpret_cast<sockaddr*>(&address);
  REQUIRE(::bind(listener.get(), here, size) == 0);
  REQUIRE(::listen(listener.get(), 1) == 0);
  REQUIRE(::getsockname(listener.get(), here, &size) == 0);
  Sender sender(loop, ntohs(address.sin_port));
  CHECK(sender.ask("POST", "/ari/channels", "{}", Milliseconds(50)).error().kind ==
        ErrorKind::outcome_unknown);
  const Fd peer(::accept(listener.get(), nullptr, nullptr));
  char buffer[4096];
  ssize_t count = 0;
  while ((count = ::recv(peer.get(), buffer, sizeof buffer, 0)) > 0) {
  }
  CHECK(count == -1);
  CHECK(errno == ECONNRESET);
}

TEST_CASE("an answer over the bound is an error, and no memory") {
  Loop loop;
  FakeAsterisk asterisk(loop, [](auto& peer, auto&) { peer.answer(200, std::string(100'000, 'x')); });
  Sender sender(loop, asterisk.port(), 8, 10'000);
  const auto answer = sender.ask("GET", "/ari/recordings/stored/x/file");
  REQUIRE_FALSE(answer.ok());
  CHECK(answer.error().kind == ErrorKind::outcome_unknown);
  CHECK_THAT(answer.error().message, ContainsSubstring("10000 bytes"));
}

TEST_CASE("requests still open at the end are dropped without a callback") {
  Loop loop;
  FakeAsterisk asterisk(loop, [](auto&, auto&) {});
  bool called = false;
  {
    Http http(loop, Sender::options(asterisk.port(), 8, 1000));
    http.send({"GET", "/ari/channels", "", Milliseconds(3000)}, [&](auto) { called = true; });
    REQUIRE(pump(loop, [&] { return asterisk.requests.size() == 1; }));
  }
  test::pump_for(loop, Milliseconds(20));
  CHECK_FALSE(called);
}

TEST_CASE("an answer that lies there when a stopped process goes on is read, not given up") {
  Loop loop;
  FakeAsterisk asterisk(loop, [](auto& peer, auto&) { peer.answer(200, "late"); });
  Sender sender(loop, asterisk.port());
  sender.send("POST", "/x", "", Milliseconds(200));
  while (asterisk.requests.empty()) uv_run(loop.raw(), UV_RUN_ONCE);  // answered in this turn
  if (sender.answers.empty()) test::let_pass(Milliseconds(500));
  REQUIRE(pump(loop, [&] { return !sender.answers.empty(); }));
  REQUIRE(sender.answers[0].ok());
  CHECK(sender.answers[0]->body == "late");
}
