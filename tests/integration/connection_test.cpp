// The connection to Asterisk: lost, regained, refused, and said so.
#include <csignal>
#include <thread>

#include "tests/catch.h"
#include "tests/support/program.h"
#include "tests/support/simulator.h"

using aribus::ErrorKind;
using aribus::Json;
using aribus::JsonValue;
using namespace aribus::test;

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
  const Simulator simulator;
  Server server = simulator.server();
  server.more = "    ping_interval: 200ms\n    silence_timeout: 600ms\n";
  Daemon daemon({server});
  daemon.wait_ready();
  Program program(daemon.connect());
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  CHECK(program.call("status")["servers"][0]["connected"].GetBool());  // pongs keep it alive
  simulator.control("POST", "drop", R"({"mode":"silent"})");
  CHECK_THAT(text_at(program.expect("server.disconnected", {}, std::chrono::seconds(3)), "reason"),
             ContainsSubstring("without a byte"));
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
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  const std::string reason(text_at(program.call("status")["servers"][0], "reason"));
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
  // A sanitizer wants to be the first library otherwise.
  Daemon daemon({simulator.server(), lost}, {},
                {"LD_PRELOAD=" SLOW_LOOKUP, "ASAN_OPTIONS=verify_asan_link_order=0"});
  // From the beginning of the stream: pbx1 may be connected already.
  const Json hello = daemon.connect().call("hello").value();
  const std::string cursor = text_at(hello, "cursor");
  Program program(daemon.connect(), R"({"since":")" + cursor.substr(0, cursor.find(':')) + R"(:0"})");
  program.expect("server.connected");
  const auto began = std::chrono::steady_clock::now();
  std::chrono::steady_clock::duration longest{};
  while (std::chrono::steady_clock::now() - began < std::chrono::seconds(5)) {
    const auto before = std::chrono::steady_clock::now();
    program.call("channels.list", R"({"server":"pbx1"})");
    longest = std::max(longest, std::chrono::steady_clock::now() - before);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  CHECK(longest < std::chrono::seconds(1));
  const Json status = program.call("status");
  CHECK_THAT(text_at(status["servers"][1], "reason"),
             ContainsSubstring("no Asterisk at http://asterisk.slow"));
  const auto stopping = std::chrono::steady_clock::now();
  CHECK(daemon.stop() == 0);
  CHECK(std::chrono::steady_clock::now() - stopping < std::chrono::seconds(2));
}

TEST_CASE("a daemon that was stopped for a while loses no event that lies in its sockets") {
  const Simulator simulator;
  Server server = simulator.server();
  server.more = "    ping_interval: 200ms\n    silence_timeout: 600ms\n";
  Daemon daemon({server});
  daemon.wait_ready();
  Program program(daemon.connect());
  daemon.process().signal(SIGSTOP);
  simulator.control("POST", "call", R"({"app":"demo","caller":"100","exten":"demo","args":[]})");
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  daemon.process().signal(SIGCONT);
  program.expect("StasisStart");
  CHECK(program.call("status")["servers"][0]["connected"].GetBool());
  for (const Json& record : program.records()) CHECK(text_at(record, "type") != "server.disconnected");
}
