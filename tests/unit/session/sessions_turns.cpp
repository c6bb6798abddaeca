// How many turns of the loop a request takes: one when nothing else waits.
#include <algorithm>
#include <string>
#include <string_view>

#include "tests/catch.h"
#include "tests/unit/session/daemon.h"

using namespace aribus;
using aribus::test::Daemon;
using aribus::test::every_transport;
using aribus::test::Program;

namespace {

constexpr std::string_view pong = R"({"jsonrpc":"2.0","id":1,"result":"pong"})";

// A daemon whose programs are connected over each of the transports in turn.
struct TurnsStage : Daemon {
  TurnsStage() {
    const auto [name, its_connect] = GENERATE_COPY(from_range(every_transport(true)));
    UNSCOPED_INFO(name);
    connect = its_connect;
  }

  void turn() { uv_run(loop.raw(), UV_RUN_NOWAIT); }
  // Whether the loop would sleep: no work is left for another turn. (Program::line() leaves a handle to be
  // closed.)
  [[nodiscard]] bool would_sleep() { return uv_backend_timeout(loop.raw()) != 0; }
};

// Connected, known to the daemon, and with nothing under way.
struct Settled : Program {
  explicit Settled(TurnsStage& daemon) : Program(daemon) {
    ask("ping");
    REQUIRE(line() == pong);
    for (int i = 0; i < 3; ++i) daemon.turn();
    REQUIRE(daemon.would_sleep());
  }
};

size_t lines_in(const std::string& bytes) {
  return static_cast<size_t>(std::ranges::count(bytes, '\n'));
}

}  // namespace

TEST_CASE("a request is read, answered and written in one turn, after which the loop sleeps") {
  TurnsStage daemon;
  Settled program(daemon);
  for (int i = 0; i < 3; ++i) {
    program.ask("ping");
    daemon.turn();
    program.read();
    REQUIRE(lines_in(program.bytes()) == 1);
    if (program.fd() >= 0) CHECK(daemon.would_sleep());
    CHECK(program.line() == pong);
    daemon.turn();
  }
}

TEST_CASE("requests that come at once are answered in one turn, in their order") {
  TurnsStage daemon;
  Settled program(daemon);
  std::string requests;
  for (int i = 0; i < 10; ++i) {
    requests += R"({"jsonrpc":"2.0","id":)" + std::to_string(i) + R"(,"method":"ping"})" + "\n";
  }
  program.send(requests);
  daemon.turn();
  program.read();
  REQUIRE(lines_in(program.bytes()) == 10);
  for (int i = 0; i < 10; ++i) CHECK(program.next()["id"].GetInt() == i);
}

TEST_CASE("a batch is answered in one turn") {
  TurnsStage daemon;
  Settled program(daemon);
  program.say(R"( [{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2,"method":"ping"}])");
  daemon.turn();
  program.read();
  REQUIRE(lines_in(program.bytes()) == 1);
  CHECK(program.next().Size() == 2);
}

TEST_CASE("a part of a line is waited for asleep") {
  TurnsStage daemon;
  Settled program(daemon);
  if (program.fd() < 0) return;
  program.send(R"({"jsonrpc":"2.0","id":1,)");
  daemon.turn();
  CHECK(daemon.would_sleep());
  daemon.turn();
  program.say(R"("method":"ping"})");
  daemon.turn();
  program.read();
  CHECK(lines_in(program.bytes()) == 1);
  CHECK(program.line() == pong);
}

TEST_CASE("what comes with the end of the input is answered before the connection ends") {
  TurnsStage daemon;
  Settled program(daemon);
  program.ask("ping");
  program.finish_sending();
  CHECK(program.line() == pong);
  CHECK(program.ended());
}

TEST_CASE("a program that sends without end leaves another one its turn") {
  TurnsStage daemon;
  Settled busy(daemon), quiet(daemon);
  std::string requests;
  for (int i = 0; i < 2000; ++i) requests += "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n";
  busy.send(requests.substr(0, 60'000));
  quiet.ask("ping");
  int turns = 0;
  while (quiet.bytes().empty() && turns < 100) {
    daemon.turn();
    ++turns;
    busy.read();
    quiet.read();
  }
  CHECK(quiet.line() == pong);
  CHECK(turns <= 4);
}

TEST_CASE("a program that does not read its answers is read no further, and gets all of them later") {
  TurnsStage daemon;
  Settled program(daemon);
  if (program.fd() < 0) return;
  std::string requests;
  for (int i = 0; i < 5000; ++i) requests += "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n";
  program.send(requests);
  for (int i = 0; i < 1000 && !daemon.would_sleep(); ++i) daemon.turn();
  CHECK(daemon.would_sleep());
  for (int i = 0; i < 5000; ++i) REQUIRE(program.line() == pong);
}
