// The connection to Asterisk: lost, regained, refused, and said so.
#include <csignal>

#include "tests/catch.h"
#include "tests/integration/stage.h"
#include "tests/support/soon.h"

using aribus::ErrorKind;
using aribus::Json;
using aribus::JsonValue;
using namespace aribus::test;

namespace {

// The connection is found dead after a second; a busy machine answers a ping before that.
constexpr const char* watched = "    ping_interval: 100ms\n    silence_timeout: 1000ms\n";

}  // namespace

TEST_CASE("a connection that ends is reported, and comes back by itself") {
  const Simulator simulator;
  Daemon daemon({simulator.server()});
  daemon.wait_ready();
  for (const char* mode : {"rst", "fin", "close-frame"}) {
    DYNAMIC_SECTION(mode) {
      Program program(daemon.connect());
      simulator.control("POST", "drop", R"({"mode":")" + std::string(mode) + "\"}");
      const Json down = program.expect("server.disconnected");
      CHECK_FALSE(text_at(down, "reason").empty());
      const Json up = program.expect("server.connected");
      CHECK(text_at(up, "version").starts_with("22"));
      const std::string answer =
          simulator.control("POST", "call", R"({"app":"demo","caller":"100","exten":"demo","args":[]})");
      program.expect("StasisStart");
    }
  }
}

TEST_CASE("a connection that is open and silent is found dead") {
  Stage stage(watched);
  Program& program = stage.program;
  let_pass(std::chrono::milliseconds(1200));
  CHECK(program.call("status")["servers"][0]["connected"].GetBool());  // pongs keep it alive
  stage.simulator.control("POST", "drop", R"({"mode":"silent"})");
  CHECK_THAT(text_at(program.expect("server.disconnected"), "reason"), ContainsSubstring("without a byte"));
}

TEST_CASE("while Asterisk is away commands are refused at once and nothing is sent") {
  auto simulator = std::make_unique<Simulator>();
  Daemon daemon({simulator->server()});
  daemon.wait_ready();
  Program program(daemon.connect());
  simulator.reset();
  program.expect("server.disconnected");
  const auto error = program.refused("channels.list");
  CHECK(error.kind == ErrorKind::not_connected);
  CHECK(error.data == R"({"server":"pbx1"})");
  CHECK(daemon.stop() == 0);
}

TEST_CASE("an Asterisk that is still starting is asked again until it answers") {
  const Simulator simulator;
  simulator.fault("GET /ari/asterisk/info*", R"("status":503)", 3);
  Daemon daemon({simulator.server()});
  daemon.wait_ready();
  CHECK(simulator.count_requests("GET /ari/asterisk/info") == 4);
  CHECK_THAT(daemon.log(), ContainsSubstring("503"));
}

TEST_CASE("a wrong password is said clearly, and never written down") {
  const Simulator simulator;
  Server server = simulator.server();
  server.password = "wrong-secret-42";
  Daemon daemon({server});
  Program program(daemon.connect());
  std::string reason;
  const auto told = [&] {
    reason = text_at(program.call("status")["servers"][0], "reason");
    return reason.find("401") != std::string::npos;
  };
  CHECK(soon(told));
  CHECK_THAT(reason, ContainsSubstring("user 'aribus' or its password is wrong (401)"));
  CHECK_THAT(daemon.log(), ContainsSubstring("password is wrong"));
  CHECK_THAT(daemon.log(), !ContainsSubstring("wrong-secret-42"));
  CHECK_THAT(daemon.log(), !ContainsSubstring("d3Jvbmctc2VjcmV0LTQy"));  // the same in base64
}

TEST_CASE("a cursor resumes where another connection ended") {
  const Simulator simulator;
  Daemon daemon({simulator.server()});
  daemon.wait_ready();
  std::string cursor;
  {
    Program program(daemon.connect());
    simulator.control("POST", "calls", R"({"app":"demo","count":5,"interval_ms":0})");
    program.expect("StasisEnd");
    cursor = text_at(program.call("unsubscribe"), "cursor");
  }
  const size_t colon = cursor.find(':');
  const uint64_t seq = std::stoull(cursor.substr(colon + 1));
  Program program(daemon.connect(), R"({"since":")" + cursor.substr(0, colon) + R"(:1"})");
  const Json first = program.expect("StasisStart");
  CHECK(first["seq"].GetUint64() <= seq);
  const auto resumed = program.call("subscribe", R"({"since":"nonsense:5"})");
  CHECK_FALSE(resumed["resumed"].GetBool());
  CHECK_THAT(text_at(resumed, "reason"), ContainsSubstring("started afresh"));
}

TEST_CASE("a dead name server keeps nobody else waiting") {
  const Simulator simulator;
  Server lost;
  lost.name = "pbx2";
  lost.url = "http://asterisk.slow:8088";
  lost.more = "    connect_timeout: 500ms\n";
  constexpr std::chrono::seconds look_up(20);  // takes so long
  // A sanitizer wants to be the first library otherwise.
  Daemon daemon({simulator.server(), lost}, {},
                {"LD_PRELOAD=" SLOW_LOOKUP, "ASAN_OPTIONS=verify_asan_link_order=0"});
  // From the beginning of the stream: pbx1 may be connected already.
  const Json hello = daemon.connect().call("hello").value();
  const std::string cursor = text_at(hello, "cursor");
  Program program(daemon.connect(), R"({"since":")" + cursor.substr(0, cursor.find(':')) + R"(:0"})");
  program.expect("server.connected");
  // Until an attempt has been given up, commands are answered; none waits for the end of the look-up.
  std::chrono::steady_clock::duration longest{};
  const auto given_up = [&] {
    const auto before = std::chrono::steady_clock::now();
    program.call("channels.list", R"({"server":"pbx1"})");
    longest = std::max(longest, std::chrono::steady_clock::now() - before);
    return text_at(program.call("status")["servers"][1], "reason")
               .find("no Asterisk at http://asterisk.slow") != std::string::npos;
  };
  CHECK(soon(given_up));
  CHECK(longest < look_up / 2);
  const auto stopping = std::chrono::steady_clock::now();
  CHECK(daemon.stop() == 0);
  CHECK(std::chrono::steady_clock::now() - stopping < look_up / 2);
}

TEST_CASE("a daemon that was stopped for a while loses no event that lies in its sockets") {
  Stage stage(watched);
  Program& program = stage.program;
  stage.daemon.process().signal(SIGSTOP);
  stage.simulator.control("POST", "call", R"({"app":"demo","caller":"100","exten":"demo","args":[]})");
  let_pass(std::chrono::milliseconds(1200));
  stage.daemon.process().signal(SIGCONT);
  program.expect("StasisStart");
  CHECK(program.call("status")["servers"][0]["connected"].GetBool());
  for (const Json& record : program.records()) CHECK(text_at(record, "type") != "server.disconnected");
}
