// What the tool says of a subscription that can match nothing.
#include "tests/catch.h"
#include "tests/support/simulator.h"
#include "tests/support/soon.h"

using namespace aribus::test;

TEST_CASE("tail warns of misspelt types, applications and servers, and goes on") {
  const Simulator simulator;
  Daemon daemon({simulator.server()});
  daemon.wait_ready();
  const TemporaryDirectory own;
  const Process tail(
      {ARIBUS, "--socket", daemon.socket_path(), "tail", "Stasisstart", "--app", "dmo", "--server", "pbx1"},
      own / "output");
  CHECK(soon([&] {
    return read_file(own / "output") ==
           "aribus: warning: types: 'Stasisstart' is no known type; did you mean 'StasisStart'?\n"
           "aribus: warning: apps: aribusd holds no application 'dmo' that this program may see; did you "
           "mean "
           "'demo'?\n";
  }));
}
