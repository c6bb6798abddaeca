// `aribus doctor` in front of a daemon whose configuration was changed, and of those that have none.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/tcp_socket.h"
#include "tests/catch.h"
#include "tests/support/left_out.h"
#include "tests/support/simulator.h"

using namespace aribus::test;

namespace {

// What the doctor says; it takes Asterisk's files from a folder that has none, unless `etc` is one.
std::string doctor(const Daemon& daemon, const std::string& config, const std::string& etc = "/nonexistent") {
  const TemporaryDirectory own;
  Process process(
      {ARIBUS, "--socket", daemon.socket_path(), "doctor", "--config", config, "--asterisk-etc", etc},
      own / "output");
  process.wait(std::chrono::seconds(30));
  return read_file(own / "output");
}

}  // namespace

TEST_CASE("the doctor finds that a file was changed after aribusd had read it, until it is reloaded") {
  const Simulator simulator;
  const TemporaryDirectory directory;
  const std::string secret = directory / "secret";
  write_file(secret, "aribus-test-secret\n");
  ::chmod(secret.c_str(), 0600);
  const Daemon daemon({simulator.server()});
  daemon.wait_ready();
  std::string text = read_file(daemon.config_path());
  const std::string password = "password: aribus-test-secret";
  text.replace(text.find(password), password.size(), "password_file: " + secret);
  write_file(daemon.config_path(), text);
  daemon.reload();
  const std::string changed = ", after aribusd had read it (at ";
  CHECK_THAT(doctor(daemon, daemon.config_path()),
             !ContainsSubstring(changed) && !ContainsSubstring("put in place"));

  SECTION("the configuration") {
    write_file(daemon.config_path(), text + "limits: {batch: 7}\n");
    CHECK_THAT(doctor(daemon, daemon.config_path()),
               ContainsSubstring(daemon.config_path() + " was changed at ") && ContainsSubstring(changed) &&
                   ContainsSubstring("         aribus reload\n") && !ContainsSubstring("systemctl restart"));
  }
  SECTION("a password, which is not told") {
    write_file(secret, "hunter2\n");
    CHECK_THAT(doctor(daemon, daemon.config_path()), ContainsSubstring(secret + " was changed at ") &&
                                                         ContainsSubstring(changed) &&
                                                         !ContainsSubstring("hunter2"));
    write_file(secret, "aribus-test-secret\n");
  }
  SECTION("a password in a file that is older, and was put in its place") {
    write_file(directory / "before", "hunter2\n");
    const timespec times[] = {{1'000'000, 0}, {1'000'000, 0}};
    ::utimensat(AT_FDCWD, (directory / "before").c_str(), times, 0);
    ::rename((directory / "before").c_str(), secret.c_str());
    CHECK_THAT(doctor(daemon, daemon.config_path()), ContainsSubstring(secret + " was put in place"));
    write_file(secret, "aribus-test-secret\n");
  }
  daemon.reload();
  CHECK_THAT(doctor(daemon, daemon.config_path()), !ContainsSubstring(changed));
}

TEST_CASE("the doctor tells one configuration from another") {
  const Simulator simulator;
  const Daemon daemon({simulator.server()});
  daemon.wait_ready();
  const TemporaryDirectory directory;
  const std::string other = directory / "other.yaml";
  write_file(other, read_file(daemon.config_path()));
  CHECK_THAT(doctor(daemon, other),
             ContainsSubstring("it has read another configuration: " + daemon.config_path()) &&
                 ContainsSubstring("'aribus doctor --config " + daemon.config_path() + "'"));
}

TEST_CASE("the doctor does not take an aribusd with another configuration for the one that is asked for") {
  const Simulator simulator;
  const Daemon daemon({simulator.server()});
  const TemporaryDirectory directory;
  const std::string other = directory / "other.yaml";
  write_file(other, "asterisk: [{url: '" + simulator.url() + "', username: a, password: b, apps: [c]}]\n");
  Process process({ARIBUS, "--socket", directory / "no.sock", "doctor", "--config", other},
                  directory / "output");
  process.wait(std::chrono::seconds(30));
  CHECK_THAT(read_file(directory / "output"),
             ContainsSubstring("no.sock: No such file or directory\n         systemctl start aribusd") &&
                 ContainsSubstring("an aribusd with another configuration runs here: ") &&
                 ContainsSubstring(" with " + daemon.config_path()));
  Process own({ARIBUS, "--socket", directory / "no.sock", "doctor", "--config", daemon.config_path()},
              directory / "output");
  own.wait(std::chrono::seconds(30));
  CHECK_THAT(read_file(directory / "output"),
             ContainsSubstring("aribusd runs (process ") && ContainsSubstring("'aribus reload'"));
}

TEST_CASE("without a password the doctor asks whether ARI is there") {
  const Simulator simulator;
  const Daemon daemon({simulator.server()});
  const TemporaryDirectory directory;
  write_file(directory / "secret", "\n");
  write_file(directory / "empty.yaml",
             "asterisk:\n  - name: pbx7\n    url: " + simulator.url() +
                 "\n    username: a\n    apps: [c]\n    password_file: " + (directory / "secret") + "\n");
  CHECK_THAT(doctor(daemon, directory / "empty.yaml"),
             ContainsSubstring("is empty; the password is expected there") &&
                 ContainsSubstring("Asterisk pbx7 at " + simulator.url()) &&
                 ContainsSubstring("ARI is there; more is not asked without user and password"));
  write_file(
      directory / "none.yaml",
      "asterisk:\n  - {url: 'http://127.0.0.1:1', username: a, password_file: /nonexistent, apps: [c]}\n");
  CHECK_THAT(doctor(daemon, directory / "none.yaml"), ContainsSubstring("nothing listens there"));
}

TEST_CASE("for somebody who may not read the configuration that is no fault of it") {
  if (needs_root()) return;
  const Simulator simulator;
  const Daemon daemon({simulator.server()});
  ::chmod(daemon.config_path().c_str(), 0600);
  const std::string folder = daemon.config_path().substr(0, daemon.config_path().rfind('/'));
  ::chmod(folder.c_str(), 0755);
  ::chmod(daemon.socket_path().c_str(), 0666);
  const TemporaryDirectory own;
  Process process({"setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", ARIBUS, "--socket",
                   daemon.socket_path(), "doctor", "--config", daemon.config_path()},
                  own / "output");
  const auto status = process.wait(std::chrono::seconds(30));
  const std::string said = read_file(own / "output");
  INFO(said);
  CHECK_THAT(said,
             ContainsSubstring("note   the configuration " + daemon.config_path() + ": Permission denied") &&
                 ContainsSubstring("run 'aribus doctor' as root") && !ContainsSubstring("  wrong  "));
  CHECK(status == 0);
}

TEST_CASE("the doctor finds applications of the dialplan that nobody holds") {
  const Simulator simulator;
  const Daemon daemon({simulator.server()});
  daemon.wait_ready();
  const TemporaryDirectory etc;
  write_file(etc / "extensions.conf", "[in]\nexten => 1,1,Stasis(demoo)\n");
  CHECK_THAT(
      doctor(daemon, daemon.config_path(), etc / ""),
      ContainsSubstring("wrong  the dialplan has Stasis(demoo) in [in], and aribusd's configuration no such "
                        "application; did you mean 'demo'?; nobody else holds it either: such calls fail") &&
          ContainsSubstring("note   extensions.conf has no Stasis(demo)"));
  write_file(etc / "extensions.conf", "[in]\nexten => 1,1,Stasis(demo)\n");
  CHECK_THAT(doctor(daemon, daemon.config_path(), etc / ""), !ContainsSubstring("Stasis("));
  write_file(etc / "extensions.conf", "[in]\nexten => 1,1,Stasis(${X})\n");
  CHECK_THAT(doctor(daemon, daemon.config_path(), etc / ""), !ContainsSubstring("Stasis("));
}

TEST_CASE(
    "a check takes what a daemon with the same configuration has for its own, and says whose another's is") {
  const Simulator simulator;
  const Daemon daemon({simulator.server()});
  int port = 0;
  const std::string text = read_file(daemon.config_path());
  {
    auto free = aribus::listen_on_tcp("127.0.0.1", port);
    REQUIRE(free.ok());
  }
  write_file(daemon.config_path(), text + "metrics: {listen: '127.0.0.1:" + std::to_string(port) + "'}\n");
  daemon.reload();
  const TemporaryDirectory own;
  const auto check = [&](const std::string& file) {
    Process process({ARIBUSD, "--check-config", "--config", file}, own / "output");
    const auto status = process.wait(std::chrono::seconds(30));
    return std::pair(status, read_file(own / "output"));
  };
  const auto [status, said] = check(daemon.config_path());
  INFO(said);
  CHECK(status == 0);
  write_file(own / "other.yaml", read_file(daemon.config_path()));
  const auto [other_status, other_said] = check(own / "other.yaml");
  CHECK(other_status == 0);  // it may be what is to replace that one
  for (const char* key : {"metrics.listen: ", "sockets[0].path: "}) {
    CHECK_THAT(other_said,
               ContainsSubstring(std::string(key) + "aribusd (process ") &&
                   ContainsSubstring(") listens there, with " + std::string(daemon.config_path())));
  }
}
