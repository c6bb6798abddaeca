// What many integration tests play on.
#pragma once

#include <string>
#include <vector>

#include "tests/support/program.h"
#include "tests/support/simulator.h"

namespace aribus::test {

// A simulated Asterisk, a daemon that is ready, and a program. Where a test is not about time, Asterisk has
// as long to answer as it has by default: a busy machine is no slow Asterisk.
struct Stage {
  // `keys`: further ones of the Asterisk in the daemon's configuration, each as "    key: value\n".
  explicit Stage(const std::string& keys = {}, const std::vector<std::string>& simulator_arguments = {})
      : simulator(simulator_arguments),
        daemon({server(keys)}),
        program((daemon.wait_ready(), daemon.connect())) {}

  [[nodiscard]] Server server(const std::string& keys) const {
    Server server = simulator.server();
    server.more = keys;
    return server;
  }

  Simulator simulator;
  Daemon daemon;
  Program program;
};

// Parameters of a call that is answered.
constexpr const char* originate = R"({"endpoint":"Local/answer@default","channelId":"c1"})";

}  // namespace aribus::test
