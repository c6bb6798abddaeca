// What happened in the night? The log, `status` and `daemon.clients` say so in the morning.
#include <sys/socket.h>
#include <sys/un.h>

#include "base/fd.h"
#include "tests/catch.h"
#include "tests/support/program.h"
#include "tests/support/simulator.h"
#include "tests/support/soon.h"

using namespace aribus;
using namespace aribus::test;

namespace {

// The lines of the log with `text` in them.
std::vector<std::string> lines(const Daemon& daemon, const std::string& text) {
  std::vector<std::string> found;
  const std::string log = daemon.log();
  for (size_t begin = 0, end = 0; (end = log.find('\n', begin)) != std::string::npos; begin = end + 1) {
    std::string line = log.substr(begin, end - begin);
    if (line.find(text) != std::string::npos) found.push_back(std::move(line));
  }
  return found;
}

bool says(const Daemon& daemon, const std::string& text) {
  return soon([&] { return !lines(daemon, text).empty(); });
}

// A program that subscribes and never reads.
class Sleeper {
 public:
  explicit Sleeper(const Daemon& daemon) : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    daemon.socket_path().copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    const std::string line = R"({"jsonrpc":"2.0","id":1,"method":"subscribe","params":{"types":"*"}})"
                             "\n";
    REQUIRE(::send(socket_.get(), line.data(), line.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(line.size()));
  }

 private:
  Fd socket_;
};

}  // namespace

TEST_CASE("the night in which a program lost records") {
  const Simulator simulator;
  Daemon daemon({simulator.server()}, "bus: {ring_bytes: 64KiB}\nlogging: {level: info}\n");
  daemon.wait_ready();
  auto sleeper = std::make_unique<Sleeper>(daemon);
  const auto lost = [&](const char* list) -> uint64_t {
    const Json answer = daemon.connect().call("daemon.clients").value();
    for (const JsonValue& client : answer[list].GetArray()) {
      if (to_text(client["subscription"]) == R"({"types":["*"]})") return client["lost"].GetUint64();
    }
    return 0;
  };
  for (int i = 0; i < 200 && lost("clients") == 0; ++i)
    simulator.control("POST", "calls", R"({"app":"demo","count":50,"interval_ms":0})");
  CHECK(lost("clients") > 0);
  REQUIRE(says(daemon, "reads too slowly, and has lost"));
  const std::string line = lines(daemon, "reads too slowly").front();
  CHECK_THAT(line, ContainsSubstring(" warning integration_tes (pid " + std::to_string(::getpid()) + ", ") &&
                       ContainsSubstring(R"( records, counted before its filter {"types":["*"]} so far)"));
  sleeper.reset();
  CHECK(soon([&] { return lost("left") > 0; }));
  CHECK(says(daemon, "has left; it read too slowly, and lost"));
}

TEST_CASE("the night in which Asterisk was restarted") {
  auto simulator = std::make_unique<Simulator>();
  const std::string port = simulator->authority().substr(simulator->authority().find(':') + 1);
  Daemon daemon({simulator->server()});
  daemon.wait_ready();
  Program program(daemon.connect());
  for (int i = 0; i < 3; ++i) {
    simulator->control("POST", "call", R"({"app":"demo","caller":"100"})");
    program.expect("StasisStart");
  }
  simulator.reset();
  program.expect("server.disconnected");
  const Simulator again({"--port", port});
  program.expect("server.connected");
  REQUIRE(says(daemon, "Asterisk was restarted at "));
  CHECK_THAT(lines(daemon, "Asterisk was restarted at ").front(),
             ContainsSubstring(" warning pbx1: ") &&
                 ContainsSubstring(", and the calls on its 3 channels have ended"));
  CHECK_THAT(lines(daemon, "connected to Asterisk").back(), ContainsSubstring(" again, after "));
}

TEST_CASE("the night in which the connection broke, and calls ended meanwhile") {
  const Simulator simulator;
  Daemon daemon({simulator.server()});
  daemon.wait_ready();
  Program program(daemon.connect());
  std::string one;
  for (int i = 0; i < 2; ++i) {
    simulator.control("POST", "call", R"({"app":"demo","caller":"100"})");
    one = text_at(program.expect("StasisStart"), "channel.id");
  }
  simulator.fault("GET /ari/events*", R"("status":503)", 3);
  simulator.control("POST", "drop", R"({"mode":"rst"})");
  program.expect("server.disconnected");
  simulator.control("POST", "call/" + one + "/hangup", "{}");
  program.expect("server.resynced");
  CHECK(says(daemon, "pbx1: of the 2 channels before the gap 1 have ended"));
  CHECK(lines(daemon, "was restarted").empty());
}

TEST_CASE("the night after a wrong password was set") {
  const Simulator simulator;
  Server server = simulator.server();
  Daemon daemon({server});
  daemon.wait_ready();
  server.password = "wrong";
  daemon.configure({server});
  daemon.reload();
  REQUIRE(says(daemon, "its password is wrong (401)"));
  CHECK_THAT(
      lines(daemon, "(401)").front(),
      ContainsSubstring("Compare username and password with Asterisk's ari.conf. aribusd keeps retrying"));
  CHECK(lines(daemon, "reloaded: asterisk pbx1: reconnecting").size() == 1);
}

TEST_CASE("the night in which a program flooded") {
  const Simulator simulator;
  Daemon daemon({simulator.server()}, R"(access:
  - {name: all, methods: [read, control, admin], commands_per_second: 20}
)");
  auto client = daemon.connect();
  size_t refused = 0;
  for (int i = 0; i < 2000; ++i) refused += client.call("ping").ok() ? 0 : 1;
  REQUIRE(refused > 100);
  const auto told = lines(daemon, "was refused: the access rule 'all' allows a user 20 requests a second");
  CHECK(told.size() == 5);
  CHECK_THAT(told.front(), ContainsSubstring(" warning a request of integration_tes (pid "));
}

TEST_CASE("the night in which Asterisk did not answer a command") {
  const Simulator simulator;
  Daemon daemon({simulator.server()});
  daemon.wait_ready();
  Program program(daemon.connect());
  simulator.fault("POST /ari/channels*", R"("drop":"after")");
  program.refused("originate", R"({"endpoint":"Local/answer@default","channelId":"c1"})");
  program.expect("command.resolved");
  REQUIRE(says(daemon, "which had no answer"));
  CHECK_THAT(lines(daemon, "which had no answer").front(),
             ContainsSubstring(" info pbx1: ") && ContainsSubstring(" of 'c1' (command aribus-") &&
                 ContainsSubstring("), which had no answer, was carried out: "));
}

TEST_CASE("the audit tells names, a reload that was rejected, and only what it is asked for") {
  const Simulator simulator;
  const std::string chosen = "logging: {audit: {methods: [control, daemon.*], exclude: [bridges.destroy]}}\n";
  Daemon daemon({simulator.server()}, chosen);
  daemon.wait_ready();
  Program program(daemon.connect());
  program.call("bridges.create", R"({"bridgeId":"b1","name":"the lobby"})");
  program.call("bridges.destroy", R"({"bridgeId":"b1"})");
  program.call("asterisk.setGlobalVar", R"({"variable":"A","value":"b"})");
  program.refused("hangup", R"({"channelId":"c1","reason":"nonsense"})");  // nothing was done
  daemon.configure({simulator.server()}, "logging: {audit: 1}\n");
  CHECK_FALSE(program.call("daemon.reload")["applied"].GetBool());
  const auto audited = lines(daemon, " audit ");
  REQUIRE(audited.size() == 2);
  CHECK_THAT(audited[0], ContainsSubstring("program=integration_tes") &&
                             ContainsSubstring("method=bridges.create server=pbx1") &&
                             ContainsSubstring(R"(name="the lobby")") && ContainsSubstring("outcome=done"));
  CHECK_THAT(audited[1], ContainsSubstring("method=daemon.reload outcome=refused ms="));
  daemon.configure({simulator.server()});
  CHECK_THAT(to_text(daemon.reload()), ContainsSubstring("logging.audit: other methods"));
  program.call("asterisk.setGlobalVar", R"({"variable":"A","value":"b"})");
  CHECK(lines(daemon, "method=asterisk.setGlobalVar").size() == 1);
}
