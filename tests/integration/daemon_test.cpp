// aribusd as a program: its options, its socket file, its end.
#include <csignal>

#include <sys/stat.h>
#include <unistd.h>

#include "tests/catch.h"
#include "tests/integration/stage.h"
#include "tests/support/soon.h"

using namespace aribus::test;
using std::chrono::seconds;

namespace {

struct Outcome {
  int status;
  std::string output;
};

Outcome run_to_end(std::vector<std::string> argv, const std::vector<std::string>& environment = {}) {
  const TemporaryDirectory directory;
  Process process(argv, directory / "output", environment);
  const int status = process.wait(seconds(30)).value_or(-1);
  return {status, read_file(directory / "output")};
}

bool exists(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

}  // namespace

TEST_CASE("aribusd explains itself and its mistakes") {
  CHECK(run_to_end({ARIBUSD, "--version"}).output.starts_with("aribusd 0."));
  CHECK_THAT(run_to_end({ARIBUSD, "--help"}).output, ContainsSubstring("--check-config"));
  CHECK(run_to_end({ARIBUSD, "--nonsense"}).status == 2);
  CHECK(run_to_end({ARIBUSD, "stray"}).status == 2);
  const Outcome missing = run_to_end({ARIBUSD, "--config", "/nonexistent/aribusd.yaml"});
  CHECK(missing.status == 2);
  CHECK_THAT(missing.output, ContainsSubstring("/nonexistent/aribusd.yaml: No such file"));
}

TEST_CASE("checking the configuration names file, line, column, key, and what was meant") {
  const TemporaryDirectory directory;
  const std::string file = directory / "aribusd.yaml";
  write_file(
      file,
      "asterisk:\n  - name: pbx1\n    usrname: aribus\n    username: a\n    password: b\n    apps: [x]\n");
  const Outcome outcome = run_to_end({ARIBUSD, "--check-config", "--config", file});
  CHECK(outcome.status == 2);
  CHECK_THAT(outcome.output,
             ContainsSubstring(file + ":3:5: asterisk[0].usrname: no such key; did you mean 'username'?"));

  write_file(file, "asterisk:\n  - username: a\n    password: b\n    apps: [x]\n");
  ::chmod(file.c_str(), 0644);
  const Outcome fine = run_to_end({ARIBUSD, "--check-config", "--config", file});
  CHECK(fine.status == 0);
  CHECK_THAT(fine.output, ContainsSubstring("readable by others"));
}

TEST_CASE("SIGTERM lets what is under way finish, removes the socket, and ends with 0") {
  const Simulator simulator;
  Daemon daemon({simulator.server()});
  daemon.wait_ready();
  Program program(daemon.connect());
  simulator.fault("GET /ari/asterisk/ping*", R"("delay_ms":700)");
  const auto under_way = program.client().send("asterisk.ping");
  program.call("ping");
  daemon.process().signal(SIGTERM);
  CHECK(program.client().wait(*under_way));
  CHECK(daemon.process().wait(seconds(30)) == 0);
  CHECK_FALSE(exists(daemon.socket_path()));
}

TEST_CASE("the socket file of a dead daemon is replaced, that of a live one is not") {
  const Simulator simulator;
  const TemporaryDirectory directory;
  const std::string file = directory / "aribusd.yaml";
  const std::string socket = directory / "aribus.sock";
  write_file(file, "asterisk:\n  - url: " + simulator.url() +
                       "\n    username: a\n    password: b\n    apps: [x]\nsockets:\n  - path: " + socket +
                       "\n");
  const auto connects = [&] {
    return soon([&] { return aribus::client::Connection::connect(socket).ok(); });
  };
  {
    Process killed({ARIBUSD, "--config", file}, directory / "log");
    REQUIRE(connects());
    killed.signal(SIGKILL);
    killed.wait(seconds(30));
  }
  CHECK(exists(socket));
  Process second({ARIBUSD, "--config", file}, directory / "log");
  REQUIRE(connects());
  const Outcome third = run_to_end({ARIBUSD, "--config", file});
  CHECK(third.status == 1);
  CHECK_THAT(third.output, ContainsSubstring("another program listens there already"));
  CHECK(connects());
  second.signal(SIGTERM);
  CHECK(second.wait(seconds(30)) == 0);
  CHECK_FALSE(exists(socket));
}

TEST_CASE("when it stops it takes leave: Asterisk is not left with a device's state on its way") {
  const Simulator simulator;
  Daemon daemon({simulator.server()});
  daemon.wait_ready();
  CHECK(daemon.stop() == 0);
  CHECK(simulator.count_requests("DELETE /ari/applications/demo/subscription?eventSource=deviceState%3A") ==
        1);
}

TEST_CASE("an Asterisk that does not answer does not keep it from stopping") {
  Stage stage("    request_timeout: 60s\n");
  stage.simulator.fault("DELETE /ari/applications*", R"("delay_ms":60000)");
  CHECK(stage.daemon.stop() == 0);  // within 30 s
}
