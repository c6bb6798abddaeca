// Programs with the WebSockets of others on aribusd's.
#include "tests/catch.h"
#include "tests/interop/node_path.h"
#include "tests/support/daemon.h"
#include "tests/support/left_out.h"
#include "tests/support/simulator.h"

using namespace aribus::test;

namespace {

// Plays the daemon's part for a program that says "subscribed", "connected" and "all is well".
void serve(std::vector<std::string> program) {
  const Simulator asterisk;
  Daemon daemon({asterisk.server()}, "web:\n  path: " + Daemon::own_path("web.sock") + "\n");
  daemon.wait_ready();
  const std::string socket = daemon.socket_path();
  program.push_back(socket.substr(0, socket.rfind('/')) + "/web.sock");
  Process running(program, "", node_path);
  const auto says = [&](const std::string& expected) {
    const auto line = running.read_line(std::chrono::seconds(60));
    INFO(line.value_or("nothing"));
    REQUIRE(line.value_or("nothing") == expected);
  };
  says("subscribed");
  static_cast<void>(asterisk.control("POST", "calls", R"({"app":"demo","count":300})"));
  says("connected");
  CHECK(daemon.stop() == 0);
  says("all is well");
  CHECK(running.wait(std::chrono::seconds(30)) == 0);
}

bool can_run(const std::vector<std::string>& probe, const std::string& package) {
  Process process(probe, "/dev/null", node_path);
  if (process.wait(std::chrono::seconds(30)) == 0) return true;
  leave_out(package + " is not installed: scripts/install-dependencies --tests does that");
  return false;
}

}  // namespace

TEST_CASE("a program of Node with npm's ws works on the WebSocket of programs") {
  if (can_run({"node", "-e", "require('ws')"}, "node-ws")) serve({"node", WEB_PROGRAM ".js"});
}

TEST_CASE("a program of Python with python3-websockets works on the WebSocket of programs") {
  // Debian's python3, which knows Debian's modules.
  if (can_run({"/usr/bin/python3", "-c", "import websockets"}, "python3-websockets")) {
    serve({"/usr/bin/python3", WEB_PROGRAM ".py"});
  }
}
