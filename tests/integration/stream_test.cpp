// `aribus tail` and `aribus record` over what ends connections: they go on until they are stopped.
#include <filesystem>

#include <signal.h>

#include "tests/catch.h"
#include "tests/support/fake_daemon.h"
#include "tests/support/program.h"
#include "tests/support/simulator.h"
#include "tests/support/soon.h"

using aribus::Json;
using aribus::parse_json;
using namespace aribus::test;

namespace {

size_t count_of(const std::string& text, const std::string& what) {
  size_t count = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + what.size())) ++count;
  return count;
}

class StreamStage {
 public:
  // With a bus on the disk aribusd knows after a restart what follows a cursor.
  explicit StreamStage(bool keeps_records)
      : daemon_({simulator_.server()},
                keeps_records ? "bus: {path: " + Daemon::own_path("bus") + "}\n" : std::string()) {
    daemon_.wait_ready();
  }

  // Starts the tool, with standard output and standard error in `output`.
  Process start(const std::vector<std::string>& words, const std::string& output) {
    std::vector<std::string> command{ARIBUS, "--socket", daemon_.socket_path()};
    command.insert(command.end(), words.begin(), words.end());
    return Process(command, output);
  }
  void wait_for_subscriber() const {
    REQUIRE(soon([&] {
      const auto status = daemon_.connect().call("status");
      return status && (*status)["subscribers"].GetUint() == 1;
    }));
  }
  void call_comes(const std::string& caller) {
    simulator_.control("POST", "call", R"({"app":"demo","caller":")" + caller + R"("})");
  }
  Daemon& daemon() { return daemon_; }
  [[nodiscard]] std::string file(const std::string& name) const { return directory_ / name; }

 private:
  Simulator simulator_;
  Daemon daemon_;
  TemporaryDirectory directory_;
};

bool comes_into(const std::string& file, const std::string& text) {
  return soon(
      [&] { return std::filesystem::exists(file) && read_file(file).find(text) != std::string::npos; });
}

}  // namespace

TEST_CASE("aribus tail goes on when aribusd is restarted, behind its last record") {
  StreamStage stage(true);
  const std::string output = stage.file("output");
  Process tail = stage.start({"tail", "StasisStart"}, output);
  stage.wait_for_subscriber();
  stage.call_comes("201");
  REQUIRE(comes_into(output, R"("number":"201")"));
  stage.daemon().restart();
  stage.daemon().wait_ready();
  stage.wait_for_subscriber();
  stage.call_comes("202");
  REQUIRE(comes_into(output, R"("number":"202")"));
  const std::string text = read_file(output);
  CHECK_THAT(text,
             ContainsSubstring("aribus: disconnected at 20") && ContainsSubstring("connecting again\n"));
  CHECK_THAT(text, ContainsSubstring("aribus: connected again at 20") &&
                       ContainsSubstring(": no record is missing\n"));
  CHECK(count_of(text, R"("type":"StasisStart")") == 2);
  tail.signal(SIGTERM);
  CHECK(tail.wait(std::chrono::seconds(30)));
}

TEST_CASE("aribus tail says that records are missing, and why") {
  StreamStage stage(false);
  const std::string output = stage.file("output");
  const Process tail = stage.start({"tail", "StasisStart"}, output);
  stage.wait_for_subscriber();
  stage.call_comes("201");
  REQUIRE(comes_into(output, R"("number":"201")"));
  stage.daemon().restart();
  CHECK(comes_into(output, "not resumed, records are missing: the stream started afresh since"));
}

TEST_CASE("aribus record goes on over a restart, and --append where the file ends") {
  StreamStage stage(true);
  const std::string file = stage.file("night");
  {
    Process record = stage.start({"record", file}, stage.file("first"));
    stage.wait_for_subscriber();
    stage.call_comes("201");
    REQUIRE(comes_into(file, R"("number":"201")"));
    stage.daemon().restart();
    stage.daemon().wait_ready();
    stage.wait_for_subscriber();
    stage.call_comes("202");
    REQUIRE(comes_into(file, R"("number":"202")"));
    record.signal(SIGINT);
    CHECK(record.wait(std::chrono::seconds(30)) == 0);
  }
  CHECK_THAT(read_file(stage.file("first")),
             ContainsSubstring("writing the records as they come to the file " + file));
  const std::string before = read_file(file);
  {
    Process again = stage.start({"record", file}, stage.file("again"));
    CHECK(again.wait(std::chrono::seconds(30)) == 1);
    CHECK_THAT(read_file(stage.file("again")), ContainsSubstring("--append") && ContainsSubstring("--force"));
    CHECK(read_file(file) == before);
  }
  stage.call_comes("203");  // while nobody records
  Process more = stage.start({"record", "--append", file}, stage.file("more"));
  REQUIRE(comes_into(file, R"("number":"203")"));
  stage.call_comes("204");
  REQUIRE(comes_into(file, R"("number":"204")"));
  more.signal(SIGINT);
  CHECK(more.wait(std::chrono::seconds(30)) == 0);
  CHECK_THAT(read_file(stage.file("more")), ContainsSubstring(" more records in " + file));
  const std::string text = read_file(file);
  CHECK(text.starts_with(before));
  CHECK(count_of(text, R"("type":"StasisStart")") == 4);
  CHECK(count_of(text, R"("type":"record.disconnected")") == 1);
  CHECK(count_of(text, R"("type":"record.subscribed")") == 3);
  CHECK(count_of(text, R"("resumed":true)") == 3);

  Process shown = stage.start({"replay", "--text", file}, stage.file("shown"));
  CHECK(shown.wait(std::chrono::seconds(30)) == 0);
  CHECK_THAT(read_file(stage.file("shown")),
             ContainsSubstring("aribus: disconnected at 20") && ContainsSubstring("no record is missing"));
}

TEST_CASE("wrong uses of aribus record change no file") {
  StreamStage stage(false);
  const auto refused = [&](const std::vector<std::string>& words, int code) {
    Process record = stage.start(words, stage.file("output"));
    CHECK(record.wait(std::chrono::seconds(30)) == code);
    return read_file(stage.file("output"));
  };
  const std::string file = stage.file("f");
  CHECK_THAT(refused({"record", "c1", "name=x"}, 2), ContainsSubstring("aribus call record channelId="));
  CHECK(refused({"record", file, "--append", "--force"}, 2).find("not both") != std::string::npos);
  CHECK(refused({"record", file, "--append", "--since", "a:1"}, 2).find("--since") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(file));
  CHECK_THAT(refused({"record", "/nonexistent/f"}, 1), ContainsSubstring("/nonexistent/f: No such file"));
  CHECK_THAT(refused({"record", "/dev/full"}, 1),
             ContainsSubstring("/dev/full: writing failed: No space left"));
}

TEST_CASE("aribus tail ends when what it asks for is refused, also after a new connection") {
  const TemporaryDirectory own;
  const auto code_of = [&](const std::string& second_answer) {
    size_t connections = 0;
    const FakeDaemon daemon(own / "socket", [&](FakeDaemon::Peer& peer) {
      const std::string result = ++connections == 1 ? R"("result":{"cursor":"a:1"}})" : second_answer + "}";
      if (!peer.line() || !peer.send(R"({"jsonrpc":"2.0","id":)" + std::to_string(connections == 1 ? 1 : 3) +
                                     R"(,"result":{}})" + "\n"))
        return;
      if (!peer.line()) return;
      peer.send(R"({"jsonrpc":"2.0","id":)" + std::to_string(connections == 1 ? 2 : 4) + "," + result + "\n");
    });
    Process tail({ARIBUS, "--socket", daemon.path(), "tail"}, own / "output");
    return tail.wait(std::chrono::seconds(30));
  };
  CHECK(code_of(R"("error":{"code":-32003,"message":"the rule 'x' does not allow it"})") == 5);
  CHECK_THAT(read_file(own / "output"), ContainsSubstring("the rule 'x' does not allow it"));
  CHECK(code_of(R"("error":{"code":-32602,"message":"types: wrong"})") == 2);
}
