// The event stream the other way round: Asterisk connects.
#include <algorithm>
#include <cstdlib>
#include <sstream>

#include <spdlog/sinks/ostream_sink.h>

#include "base/log.h"
#include "tests/unit/net/socket.h"
#include "tests/unit/net/visitor.h"

using namespace aribus;
using namespace aribus::test;

namespace {

// What is logged while it lives.
class LogCapture {
 public:
  LogCapture() {
    spdlog::set_default_logger(
        std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_st>(text_)));
  }
  ~LogCapture() { spdlog::set_default_logger(before_); }
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;

  [[nodiscard]] std::string text() const { return text_.str(); }

 private:
  std::ostringstream text_;
  std::shared_ptr<spdlog::logger> before_ = spdlog::default_logger();
};

}  // namespace

TEST_CASE("Asterisk is let in once it has answered a request, and its events come") {
  OutboundStage stage;
  Visitor visitor = stage.visitor();
  visitor.ask();
  REQUIRE(visitor.hears("Sec-WebSocket-Protocol: ari\r\n\r\n"));
  CHECK(visitor.heard().starts_with("HTTP/1.1 101 "));
  CHECK_THAT(visitor.heard(), ContainsSubstring(websocket_accept(visitor_key)));
  CHECK(stage.asterisk.count("GET /ari/asterisk/info") == 1);
  REQUIRE(stage.connected());
  CHECK(stage.listening.client->is_connected());
  CHECK_FALSE(stage.listening.client->continues());
  visitor.say(Opcode::text, R"({"type":"StasisStart"})");
  REQUIRE(pump(stage.loop, [&] { return stage.listening.messages.size() == 1; }));
  CHECK(stage.listening.messages[0].first == R"({"type":"StasisStart"})");
}

TEST_CASE("who is not to be let in gets a clear answer, and the reason is told") {
  struct Case {
    std::string password, path, subprotocol, answer, reason;
  };
  const Case cases[] = {
      {"wrong", "/ari", "ari", "HTTP/1.1 401 ", "127.0.0.1 connects with a wrong user or password"},
      {"s3cret", "/ari/events", "ari", "HTTP/1.1 404 ", "must end in /ari"},
      {"s3cret", "/ari", "media", "HTTP/1.1 400 ", "protocols=ari"},
  };
  OutboundStage stage;
  for (const Case& one : cases) {
    stage.listening.disconnected.clear();
    Visitor visitor = stage.visitor();
    visitor.ask(one.password, one.path, one.subprotocol);
    REQUIRE(visitor.hears(one.answer));
    CHECK(visitor.hears_end());
    REQUIRE(stage.listening.disconnected.size() == 1);
    CHECK_THAT(stage.listening.disconnected[0], ContainsSubstring(one.reason));
    CHECK(stage.listening.disconnected[0].find("s3cret") == std::string::npos);
  }
  CHECK(stage.asterisk.requests.empty());
  Visitor visitor = stage.visitor();
  visitor.ask();
  CHECK(stage.connected());
}

TEST_CASE("what is no handshake is answered and left") {
  OutboundStage stage;
  struct Case {
    std::string bytes, answer;
  };
  const Case cases[] = {
      {"nonsense\r\n\r\n", "HTTP/1.1 400 "},
      {"POST /ari HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 405 "},
      {"GET /ari HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 426 "},
      {"GET /ari HTTP/1.1\r\nX: " + std::string(max_handshake_bytes, 'x'), "HTTP/1.1 431 "},
  };
  for (const Case& one : cases) {
    Visitor visitor = stage.visitor();
    visitor.say(one.bytes);
    CHECK(visitor.hears(one.answer));
    CHECK(visitor.hears_end());
  }
  Visitor silent = stage.visitor();
  silent.say("GET /ari HTTP/1.1\r\n");
  CHECK(silent.hears_end());  // after connect_timeout
  CHECK(silent.heard().empty());
}

TEST_CASE("those who connect and say nothing keep nobody out") {
  OutboundStage stage([](ClientOptions& options) { options.connect_timeout = Milliseconds(60'000); });
  std::vector<Visitor> crowd = stage.visitors(100);
  Visitor visitor = stage.visitor();
  visitor.ask();
  CHECK(stage.connected());
  CHECK(crowd.front().hears_end());
}

TEST_CASE("while Asterisk answers no requests it is not let in, and keeps its events") {
  OutboundStage stage;
  stage.asterisk.set_script([](FakeAsterisk::Peer& peer, const std::string&) {
    peer.answer(503, R"({"message":"Asterisk not booted"})");
  });
  Visitor early = stage.visitor();
  early.ask();
  REQUIRE(early.hears("HTTP/1.1 503 "));
  REQUIRE(stage.listening.disconnected.size() == 1);
  CHECK_THAT(stage.listening.disconnected[0], ContainsSubstring("still starting"));
  stage.asterisk.set_script(behave_well);
  Visitor visitor = stage.visitor();
  visitor.ask();
  CHECK(stage.connected());
}

TEST_CASE("an answer of Asterisk that comes after it gave up serves for its next attempt") {
  OutboundStage stage;
  std::vector<FakeAsterisk::Peer*> waiting;
  stage.asterisk.set_script([&](FakeAsterisk::Peer& peer, const std::string&) { waiting.push_back(&peer); });
  Visitor first = stage.visitor();
  first.ask();
  REQUIRE(pump(stage.loop, [&] { return waiting.size() == 1; }));
  first.leave();
  pump_for(stage.loop, Milliseconds(20));
  waiting[0]->answer(200, info_body);
  pump_for(stage.loop, Milliseconds(50));
  CHECK(stage.listening.connected.empty());
  Visitor second = stage.visitor();
  second.ask();
  CHECK(stage.connected());
  CHECK(stage.asterisk.count("GET /ari/asterisk/info") == 1);
}

TEST_CASE(
    "a second connection is refused while the first one answers, and takes its place when it does not") {
  OutboundStage stage;
  Visitor first = stage.visitor();
  first.ask();
  REQUIRE(stage.connected());
  Visitor second = stage.visitor();
  second.ask();
  REQUIRE(
      first.hears(std::string_view("\x89\x06"
                                   "aribus",
                                   8)));
  first.say(Opcode::pong, "aribus");
  CHECK(second.hears("HTTP/1.1 409 "));
  CHECK(stage.listening.disconnected.empty());

  Visitor third = stage.visitor();  // and the first one says nothing
  third.ask();
  REQUIRE(stage.connected(2));
  REQUIRE(stage.listening.disconnected.size() == 1);
  CHECK_THAT(stage.listening.disconnected[0], ContainsSubstring("connected again"));
  third.say(Opcode::text, "{}");
  CHECK(pump(stage.loop, [&] { return stage.listening.messages.size() == 1; }));
}

TEST_CASE("an Asterisk that slept goes on where it was, and one that connects anew has another connection") {
  OutboundStage stage([](ClientOptions& options) {
    options.ping_interval = Milliseconds(100);
    options.silence_timeout = Milliseconds(300);
  });
  Client& client = *stage.listening.client;
  const auto& told = stage.listening.disconnected;
  const std::string_view close_frame("\x88\x02\x03\xe8", 4);
  Visitor sleeper = stage.visitor();
  sleeper.ask();
  REQUIRE(stage.connected());
  for (size_t times = 1; times <= 2; ++times) {
    REQUIRE(pump(stage.loop, [&] { return told.size() == times; }));
    CHECK_THAT(told.back(), ContainsSubstring("dead"));
    CHECK_FALSE(client.is_connected());
    sleeper.say(Opcode::text, R"({"n":1})");
    sleeper.say(Opcode::text, R"({"n":2})");
    REQUIRE(stage.connected(1 + times));
    CHECK(client.continues());
    CHECK(pump(stage.loop, [&] { return stage.listening.messages.size() == 2 * times; }));
  }
  CHECK_FALSE(sleeper.has_ended());
  CHECK(sleeper.heard().find(close_frame) == std::string::npos);
  CHECK(stage.asterisk.count("GET /ari/asterisk/info") == 1);

  REQUIRE(pump(stage.loop, [&] { return told.size() == 3; }));
  SECTION("while the one before sleeps") {}
  SECTION("after that has ended") {
    sleeper.leave();
    pump_for(stage.loop, Milliseconds(20));
    CHECK(told.size() == 3);
  }
  Visitor anew = stage.visitor();
  anew.ask();
  REQUIRE(stage.connected(4));
  CHECK_FALSE(client.continues());
  anew.say(Opcode::text, R"({"n":3})");
  CHECK(pump(stage.loop, [&] { return stage.listening.messages.size() == 5; }));
}

TEST_CASE("leaving reads to Asterisk's close frame, and the next connection goes on there") {
  OutboundStage stage;
  Client& client = *stage.listening.client;
  Visitor first = stage.visitor();
  first.ask();
  REQUIRE(stage.connected());
  bool left = false;
  client.leave(Milliseconds(2000), [&] { left = true; });
  REQUIRE(first.hears(std::string_view("\x88\x02\x03\xe8", 4)));
  first.say(Opcode::text, R"({"n":1})");
  first.say(Opcode::text, R"({"n":2})");
  pump_for(stage.loop, Milliseconds(20));
  CHECK_FALSE(left);
  first.say(Opcode::close, close_payload(close_normal));
  REQUIRE(pump(stage.loop, [&] { return left; }));
  CHECK(stage.listening.messages.size() == 2);
  CHECK(client.port() == 0);

  const auto connect_again = [&](size_t times) {
    client.connect();
    wait_until_it_listens(stage.loop, client);
    Visitor visitor = stage.visitor();
    visitor.ask();
    REQUIRE(stage.connected(times));
    return visitor;
  };
  Visitor second = connect_again(2);
  CHECK(client.continues());
  second.leave();  // without a close frame: what Asterisk wrote last may be lost
  REQUIRE(pump(stage.loop, [&] { return !client.is_connected(); }));
  client.disconnect();
  Visitor third = connect_again(3);
  CHECK_FALSE(client.continues());
  third.say(Opcode::close, close_payload(close_normal));
  REQUIRE(pump(stage.loop, [&] { return !client.is_connected(); }));
  client.disconnect();
  client.continue_from("2026-11-23T10:00:00.000+1300");  // as versions before wrote it
  Visitor fourth = connect_again(4);
  CHECK(client.continues());
}

TEST_CASE("leaving does not wait for an Asterisk that says nothing") {
  OutboundStage stage;
  Visitor visitor = stage.visitor();
  visitor.ask();
  REQUIRE(stage.connected());
  bool left = false;
  stage.listening.client->leave(Milliseconds(100), [&] { left = true; });
  CHECK(pump(stage.loop, [&] { return left; }));
}

TEST_CASE("an address that is taken is told, and tried again") {
  OutboundStage stage;
  Listening other(stage.loop, stage.asterisk.url(), [&](ClientOptions& options) {
    options.listen.emplace();
    options.listen->port = stage.listening.client->port();
  });
  other.client->connect();
  REQUIRE(pump(stage.loop, [&] { return !other.disconnected.empty(); }));
  CHECK_THAT(other.disconnected[0], ContainsSubstring("can't listen for Asterisk on 127.0.0.1 port"));
  stage.listening.client->disconnect();
  CHECK(pump(stage.loop, [&] { return other.client->port() != 0; }));
}

TEST_CASE("Asterisk may connect with TLS") {
  const TempDir directory;
  const std::string certificate = directory.path("cert.pem"), private_key = directory.path("key.pem");
  const std::string command =
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1 "
      "-addext subjectAltName=IP:127.0.0.1 -keyout " +
      private_key + " -out " + certificate + " 2>/dev/null";
  REQUIRE(std::system(command.c_str()) == 0);
  CHECK(TlsServer::make({certificate, private_key}).ok());
  CHECK_THAT(TlsServer::make({certificate, directory.path("no.pem")}).error().message,
             ContainsSubstring("no.pem"));
  CHECK_THAT(TlsServer::make({private_key, private_key}).error().message, ContainsSubstring("key.pem"));

  OutboundStage stage([&](ClientOptions& options) { options.listen->tls = {certificate, private_key}; });
  Visitor plain = stage.visitor();
  plain.ask();
  CHECK(plain.hears_end());
  Socket socket(stage.loop);  // in Asterisk's place
  WebSocketOptions options = socket.options(stage.listening.client->port());
  options.url.tls = true;
  options.tls.ca_file = certificate;
  options.target = "/ari";
  options.authorization = "Basic " + base64("aribus:s3cret");
  socket.connect(options);
  REQUIRE(stage.connected());
  REQUIRE(pump(stage.loop, [&] { return socket.opened == 1; }));
  const std::string large(100'000, 'x');
  REQUIRE(socket.socket->send(large).ok());
  REQUIRE(pump(stage.loop, [&] { return stage.listening.messages.size() == 1; }));
  CHECK(stage.listening.messages[0].first == large);
}

TEST_CASE("wrong passwords are answered ever more slowly, and the right one at once") {
  OutboundStage stage;
  const auto guess = [&] {
    Visitor visitor = stage.visitor();
    const uint64_t began = uv_hrtime();
    visitor.ask("wrong");
    REQUIRE(visitor.hears("HTTP/1.1 401 "));
    return (uv_hrtime() - began) / 1'000'000;
  };
  for (int i = 0; i < 3; ++i) guess();
  CHECK(guess() >= 99);
  CHECK(guess() >= 199);
  Visitor waiting = stage.visitor();
  const uint64_t asked = uv_hrtime();
  waiting.ask("wrong");
  Visitor asterisk = stage.visitor();
  asterisk.ask();
  REQUIRE(stage.connected());
  CHECK((waiting.heard().empty() || uv_hrtime() - asked >= 399'000'000));
  CHECK(stage.listening.client->wrong_passwords() == 6);
}

TEST_CASE("wrong passwords during a connection are logged once, then counted") {
  const LogCapture log;
  OutboundStage stage(
      [](ClientOptions& options) { options.listen->guess_log_interval = Milliseconds(3000); });
  Visitor asterisk = stage.visitor();
  asterisk.ask();
  REQUIRE(stage.connected());
  std::vector<Visitor> crowd;
  for (int i = 0; i < 20; ++i) {
    crowd.push_back(stage.visitor());
    crowd.back().ask("wrong");
  }
  REQUIRE(pump(stage.loop, [&] { return stage.listening.client->wrong_passwords() == 20; }));
  CHECK_THAT(log.text(), ContainsSubstring("127.0.0.1 connects with a wrong user or password"));
  CHECK(std::ranges::count(log.text(), '\n') == 1);
  REQUIRE(pump(stage.loop, [&] { return log.text().find("19 further attempts") != std::string::npos; }));
  CHECK(std::ranges::count(log.text(), '\n') == 2);
  CHECK(stage.listening.client->is_connected());
}

TEST_CASE("those who begin a request and do not end it keep nobody out either") {
  OutboundStage stage([](ClientOptions& options) { options.connect_timeout = Milliseconds(60'000); });
  std::vector<Visitor> crowd = stage.visitors(60);
  for (Visitor& visitor : crowd) visitor.say("GET /ari HT");
  pump_for(stage.loop, Milliseconds(60));  // they had their time
  Visitor asterisk = stage.visitor();
  for (int i = 0; i < 20; ++i) crowd.push_back(stage.visitor());
  uv_run(stage.loop.raw(), UV_RUN_NOWAIT);
  asterisk.ask();
  CHECK(stage.connected());
}
