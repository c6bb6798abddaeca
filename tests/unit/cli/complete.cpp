// What `aribus complete` offers to the shells.
#include "cli/complete.h"

#include "cli/output.h"
#include "tests/catch.h"
#include "tests/support/fake_daemon.h"
#include "tests/support/terminal.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::cli;
using aribus::test::answering;
using aribus::test::FakeDaemon;
using aribus::test::TempDir;
using aribus::test::Terminal;

namespace {

std::string answer_to(const std::string& line) {
  const auto asks = [&](const char* method) { return line.find(method) != std::string::npos; };
  if (asks("state.channels")) {
    return R"("result":{"channels":[{"channel":{"id":"1795384777.12","state":"Up","caller":{"name":"Alice",)"
           R"("number":"100"}}},{"channel":{"id":"c1","name":"Local/x","state":"Ring"}},{"channel":{"id":"--x"}}]})";
  }
  if (asks("state.calls")) {
    return R"("result":{"calls":[{"server":"pbx1","call":{"id":"pbx1/c1/1795384777690","direction":"inbound",)"
           R"("from":{"name":"","number":"100"},"to":{"name":"","number":"200"}}}]})";
  }
  if (asks("group.list"))
    return R"("result":{"groups":[{"name":"ivr","members":[{}],"calls":[{},{}],"more":40},{"name":"-x"}]})";
  if (asks("state.bridges"))
    return R"("result":{"bridges":[{"bridge":{"id":"b1","name":"lobby","channels":["c1"]}}]})";
  if (asks("state.playbacks"))
    return R"("result":{"playbacks":[{"playback":{"id":"p1","media_uri":"sound:a"}}]})";
  if (asks("state.recordings"))
    return R"("result":{"recordings":[{"recording":{"name":"r1","state":"recording"}}]})";
  if (asks("state.endpoints")) {
    return R"("result":{"endpoints":[{"endpoint":{"technology":"PJSIP","resource":"100","state":"online"}}]})";
  }
  if (asks("\"status\"")) {
    return R"("result":{"servers":[{"name":"pbx1","state":"ready","apps":["demo","other"]},{"name":"pbx2",)"
           R"("state":"down","apps":["demo"]}]})";
  }
  return R"("result":{})";
}

class Shell {
 public:
  // What is offered, without meanings, on a line each; "\n" in front.
  std::string completed(std::vector<std::string> words, bool with_meanings = false) const {
    return completed_at(daemon_.path(), std::move(words), with_meanings);
  }
  static std::string completed_at(const std::string& socket, std::vector<std::string> words,
                                  bool with_meanings = false) {
    Arguments arguments;
    arguments.socket = socket;
    arguments.words = {"complete"};
    arguments.words.insert(arguments.words.end(), words.begin(), words.end());
    Terminal terminal;
    CHECK(complete(arguments) == done);
    std::string out = "\n";
    std::istringstream lines(terminal.end());
    for (std::string line; std::getline(lines, line);)
      out += (with_meanings ? line : line.substr(0, line.find('\t'))) + "\n";
    return out;
  }
  [[nodiscard]] const std::string& socket() const { return daemon_.path(); }

 private:
  TempDir folder_;
  FakeDaemon daemon_{folder_.path("socket"), answering(answer_to)};
};

}  // namespace

TEST_CASE("ids that are there are completed where a command takes them, with who that is") {
  const Shell shell;
  CHECK(shell.completed({"hangup", "1"}, true) == "\n1795384777.12\tAlice <100>, Up\n");
  CHECK(shell.completed({"play", "c"}, true) ==
        "\nc1\tLocal/x, Ring\nchannelId=\tId of the channel to play to. Give it or `bridgeId`.\n");
  CHECK(shell.completed({"transfer", "c1", "PJ"}) == "\nPJSIP/100\n");
  CHECK(shell.completed({"bridge", "c1", "17"}) == "\n1795384777.12\n");  // as many as one likes
  CHECK(shell.completed({"hangup", "c1", "17"}) == "\n");                 // one alone
  CHECK(shell.completed({"hangup", "channelId=1"}) == "\nchannelId=1795384777.12\n");
  CHECK(shell.completed({"call", "bridges.destroy", "bridgeId="}, true) ==
        "\nbridgeId=b1\tlobby, 1 channel\n");
  CHECK(shell.completed({"call", "playbacks.stop", "playbackId="}) == "\nplaybackId=p1\n");
  CHECK(shell.completed({"call", "recordings.stop", "recordingName="}) == "\nrecordingName=r1\n");
  CHECK(shell.completed({"tail", "--channel", "c"}) == "\nc1\n");
  CHECK(shell.completed({"trace", "pb"}, true) == "\npbx1/c1/1795384777690\tinbound, 100 to 200\n");
  CHECK(shell.completed({"trace", ""}) == "\npbx1/c1/1795384777690\n1795384777.12\nc1\n");
  CHECK(shell.completed({"trace", "c1", ""}) == "\n");  // one alone
  CHECK(shell.completed({"tail", "--call", "p"}) == "\npbx1/c1/1795384777690\n");
  CHECK(shell.completed({"groups", ""}, true) == "\nivr\t1 member, 42 calls\n");
  CHECK(shell.completed({"groups", "ivr", ""}) == "\n");  // one alone
  CHECK(shell.completed({"call", "group.list", "group=i"}) == "\ngroup=ivr\n");
  // The id of what is made is a new one; what looks like an option is none.
  CHECK(shell.completed({"originate", "PJSIP/100", "channelId="}) == "\n");
  CHECK(shell.completed({"hangup", "--x"}) == "\n");
}

TEST_CASE("types, applications, servers and values are completed") {
  const Shell shell;
  CHECK(shell.completed({"tail", "StasisS"}) == "\nStasisStart\n");
  CHECK(shell.completed({"tail", "StasisStart", "server.g"}) == "\nserver.gap\n");
  CHECK(shell.completed({"tail", "--exclude", "StasisS"}) == "\nStasisStart\n");
  CHECK(shell.completed({"tail", "--app", ""}) == "\ndemo\nother\n");
  CHECK(shell.completed({"tail", "--app=d"}) == "\n--app=demo\n");
  CHECK(shell.completed({"tail", "--server", ""}, true) == "\npbx1\tready\npbx2\tdown\n");
  CHECK(shell.completed({"originate", "PJSIP/100", "server="}) == "\nserver=pbx1\nserver=pbx2\n");
  CHECK(shell.completed({"call", "channels.record", "ifExists="}) ==
        "\nifExists=fail\nifExists=overwrite\nifExists=append\n");
  CHECK(shell.completed({"call", "channels.record", "beep="}) == "\nbeep=true\nbeep=false\n");
  CHECK(shell.completed({"hangup", "c1", "reason=no_"}) == "\nreason=no_answer\n");
  CHECK(shell.completed({"hangup", "c1", "reason=busy", "reason"}) == "\nreason_code=\n");  // given once
}

TEST_CASE("words in front of the command, and files") {
  const Shell shell;
  CHECK(Shell::completed_at("none", {"--socket", shell.socket(), "hangup", "17"}) == "\n1795384777.12\n");
  CHECK(Shell::completed_at("none", {"--socket=" + shell.socket(), "hangup", "17"}) == "\n1795384777.12\n");
  CHECK(Shell::completed_at("none", {"hangup", "-s", shell.socket(), "17"}) == "\n1795384777.12\n");
  CHECK(shell.completed({"--socket", "x", "stat"}) == "\nstatus\n");
  for (const std::vector<std::string>& words : {std::vector<std::string>{"doctor", "--config", "x"},
                                                {"doctor", "--asterisk-etc=x"},
                                                {"check", ""},
                                                {"record", "x"},
                                                {"replay", "x"},
                                                {"--socket", "x"},
                                                {"tail", "--socket", ""}}) {
    INFO(words[0]);
    CHECK(shell.completed(words) == "\n<file>\n");
  }
  CHECK(shell.completed({"record", "--app"}) == "\n--app\n--append\n");
}

TEST_CASE("without a daemon that answers, completion says what it knows, and nothing else") {
  const TempDir folder;
  CHECK(Shell::completed_at(folder.path("none"), {"hangup", "1"}) == "\n");
  CHECK(Shell::completed_at(folder.path("none"), {"hangup", "reason"}) == "\nreason=\nreason_code=\n");
  CHECK(Shell::completed_at(folder.path("none"), {"call", "bridges.des"}) == "\nbridges.destroy\n");
  const FakeDaemon silent(folder.path("socket"), [](FakeDaemon::Peer& peer) { peer.wait_for_end(); });
  CHECK(Shell::completed_at(silent.path(), {"hangup", "1"}) == "\n");
}
