// The tool `aribus`, as scripts and people use it.
#include <atomic>
#include <filesystem>
#include <memory>

#include <signal.h>
#include <sys/resource.h>

#include "tests/catch.h"
#include "tests/support/fake_daemon.h"
#include "tests/support/on_terminal.h"
#include "tests/support/program.h"
#include "tests/support/simulator.h"
#include "tests/support/soon.h"
#include "tests/support/terminal.h"

using aribus::Json;
using aribus::parse_json;
using namespace aribus::test;

namespace {

struct ToolStage {
  Simulator simulator;
  Daemon daemon;
  TemporaryDirectory directory;

  ToolStage() : daemon({simulator.server()}) { daemon.wait_ready(); }

  struct Outcome {
    int code;
    std::string text;
  };
  Outcome aribus(const std::vector<std::string>& words) const {
    std::vector<std::string> command{ARIBUS, "--socket", daemon.socket_path()};
    command.insert(command.end(), words.begin(), words.end());
    const TemporaryDirectory own;
    Process process(command, own / "output");
    const int code = process.wait(std::chrono::seconds(30)).value_or(-1);
    return {code, read_file(own / "output")};
  }
  // On a terminal of 100 columns, to its end.
  std::string on_terminal(const std::string& words) const {
    const std::string command =
        std::string("stty cols 100 rows 30; ") + ARIBUS + " --socket " + daemon.socket_path() + " " + words;
    const TemporaryDirectory own;
    Process process({"script", "-qec", command, "/dev/null"}, own / "terminal");
    process.wait(std::chrono::seconds(30));
    return read_file(own / "terminal");
  }
  // On a terminal until `text` has come; then it is taken away. What is written, up to the end of a line.
  std::string on_terminal_until(const std::string& text, const std::string& words) const {
    const std::string command =
        std::string("stty cols 100 rows 30; ") + ARIBUS + " --socket " + daemon.socket_path() + " " + words;
    const TemporaryDirectory own;
    const Process process({"script", "-qefc", command, "/dev/null"}, own / "terminal");
    std::string seen;
    CHECK(soon([&] {
      seen = read_file(own / "terminal");
      seen.resize(seen.rfind('\n') + 1);  // "" without one
      return seen.find(text) != std::string::npos;
    }));
    return seen;
  }
  // Waits until the daemon has a subscriber: the tool that was started.
  void wait_for_subscriber() const {
    auto client = daemon.connect();
    CHECK(soon([&] { return (*client.call("status"))["subscribers"].GetInt() == 1; }));
  }
  std::string call_comes() {
    Program program(daemon.connect());
    simulator.control("POST", "call", R"({"app":"demo","caller":"100","caller_name":"Alice"})");
    return text_at(program.expect("StasisStart"), "channel.id");
  }
};

// Answers hello. False when the client is gone.
bool greeted(FakeDaemon::Peer& peer) {
  return peer.line() && peer.send(R"({"jsonrpc":"2.0","id":1,"result":{}})"
                                  "\n");
}

}  // namespace

TEST_CASE("aribus call and its verbs carry out commands, and the exit status says what became of them") {
  ToolStage stage;
  const std::string id = stage.call_comes();
  CHECK(stage.aribus({"call", "channels.answer", "channelId=" + id}).code == 0);
  CHECK(stage.aribus({"play", id, "sound:hello", "sound:bye", "skipms=1"}).code == 0);
  CHECK(stage.simulator.count_requests("POST /ari/channels/" + id + "/play") == 1);
  CHECK(stage.aribus({"bridge", id, "name=lobby"}).code == 0);
  const auto made = stage.aribus({"originate", "Local/x@default", "app=demo", "timeout=3", "channelId=mine"});
  CHECK(made.code == 0);
  CHECK_THAT(made.text, ContainsSubstring(R"("id":"mine")"));
  CHECK(stage.aribus({"hangup", id, "reason=normal"}).code == 0);

  const auto refused = stage.aribus({"hangup", "nobody"});
  CHECK(refused.code == 1);
  CHECK_THAT(refused.text, ContainsSubstring("404"));
  const auto wrong = stage.aribus({"call", "channels.anser", "channelId=c1"});
  CHECK(wrong.code == 2);
  CHECK_THAT(wrong.text, ContainsSubstring("channels.answer"));
  CHECK(stage.aribus({"originate", "Local/x@default", "timeout=soon"}).code == 2);
  CHECK(stage.aribus({"nonsense"}).code == 2);
  const auto misspelt = stage.aribus({"tail", "--nonsense\x1b[2J"});
  CHECK(misspelt.code == 2);
  CHECK_THAT(misspelt.text, ContainsSubstring("aribus tail: there is no option '--nonsense?[2J'"));
  CHECK_THAT(stage.aribus({"tail", "-xs"}).text, ContainsSubstring("aribus tail: there is no option '-x'"));
  CHECK_THAT(stage.aribus({"tail", "--json=1"}).text, ContainsSubstring("'--json' takes no value"));
  CHECK_THAT(stage.aribus({"tail", "--since"}).text,
             ContainsSubstring("aribus tail: the option '--since' needs a value"));
  CHECK_THAT(stage.aribus({"--nonsense"}).text, ContainsSubstring("aribus: there is no option '--nonsense'"));
  stage.simulator.process().signal(SIGKILL);
  CHECK(soon([&] { return stage.aribus({"call", "channels.list"}).code == 3; }));
  stage.daemon.stop();
  const auto gone = stage.aribus({"status"});
  CHECK(gone.code == 3);
  CHECK_THAT(gone.text, ContainsSubstring("is aribusd running?"));
}

TEST_CASE("words that are no UTF-8, as a Latin-1 shell gives them, are wrong arguments at once") {
  const ToolStage stage;
  const auto refused = stage.aribus({"originate", "PJSIP/100", "callerId=M\xFCller"});
  CHECK(refused.code == 2);
  CHECK_THAT(refused.text, ContainsSubstring("UTF-8"));
  CHECK_THAT(refused.text, ContainsSubstring("nothing was sent"));
  CHECK(stage.aribus({"tail", "M\xFCller"}).code == 2);
  CHECK(stage.simulator.count_requests("POST /ari/channels") == 0);
}

TEST_CASE("aribus call tells a method's parameters, and shells complete them") {
  ToolStage stage;
  CHECK_THAT(stage.aribus({"call", "channels.originate", "--help"}).text,
             ContainsSubstring("endpoint=") && ContainsSubstring("(required)"));
  CHECK_THAT(stage.aribus({"call", "--list"}).text, ContainsSubstring("channels.originate\n"));
  // Each word, and behind a tab what it means.
  CHECK(stage.aribus({"complete", "ta"}).text == "tail\tshows records as they arrive\n");
  CHECK(stage.aribus({"complete", "call", "bridges.des"}).text == "bridges.destroy\tDestroys a bridge.\n");
  const std::string parameters = stage.aribus({"complete", "call", "channels.answer", ""}).text;
  CHECK(parameters.starts_with("channelId=\tId of the channel. "));
  CHECK_THAT(parameters, ContainsSubstring("\nserver=\t") && ContainsSubstring("\nkey=\t"));
  CHECK(stage.aribus({"complete", "originate", "PJSIP/100", "caller"}).text.starts_with("callerId=\t"));
  CHECK(stage.aribus({"complete", "tail", "--ex"}).text == "--exclude\twithout these types (globs)\n");
  CHECK(stage.aribus({"complete", "tail", "--app", ""}).text == "demo\tpbx1\n");
  const std::string id = stage.call_comes();
  CHECK(stage.aribus({"complete", "hangup", id.substr(0, 4)}).text == id + "\tAlice <100>, Ring\n");
}

TEST_CASE("aribus call --help tells what a newer Asterisk declares, and why it can't") {
  const TemporaryDirectory own;
  std::string answer;  // to ari.request
  const FakeDaemon daemon(
      own / "socket", answering([&](const std::string& line) {
        if (line.find("rpc.discover") == std::string::npos) return answer;
        return std::string(
            R"("result":{"methods":[{"name":"channels.list","params":[]},{"name":"ari.request","params":[)"
            R"({"name":"method","schema":{"type":"string"}},{"name":"path","schema":{"type":"string"}}]}]})");
      }));
  const auto help = [&](const std::string& method, int code, const std::string& given) {
    answer = given;
    Process process({ARIBUS, "--socket", daemon.path(), "call", method, "--help"}, own / "output");
    CHECK(process.wait(std::chrono::seconds(60)) == code);
    return read_file(own / "output");
  };
  const std::string declared =
      R"("result":{"apis":[{"path":"/channels/{channelId}/fly","operations":[{"httpMethod":"POST","nickname":"fly",)"
      R"("summary":"Flies.","notes":"High.","parameters":[)"
      R"({"name":"channelId","paramType":"path","dataType":"string","description":"Who flies."},)"
      R"({"name":"height","paramType":"query","dataType":"int","defaultValue":30,"description":"In metres."}]}]}]})";
  const std::string told = help("channels.fly", 0, declared);
  CHECK(told.starts_with("channels.fly: Flies.\n  High.\n  POST /channels/{channelId}/fly\n"));
  CHECK_THAT(told, ContainsSubstring("  channelId= text (required, in the path)\n      Who flies.\n"));
  CHECK_THAT(told, ContainsSubstring("  height=    whole number (in the query), default 30\n"));
  CHECK_THAT(told, ContainsSubstring("aribus call ari.request method=POST path=/channels/{channelId}/fly "
                                     "'query={\"height\":…}'"));
  CHECK_THAT(help("channels.flyy", 2, declared),
             ContainsSubstring("no such operation; did you mean 'channels.fly'?"));
  CHECK_THAT(help("chanels.list", 2, R"("error":{"code":-32000,"message":"Asterisk refused: 404"})"),
             ContainsSubstring("declares no resource 'chanels'; did you mean 'channels.list'?"));
  CHECK_THAT(
      help("channels.fly", 5, R"("error":{"code":-32003,"message":"the access rule 'x' does not allow it"})"),
      ContainsSubstring("what Asterisk declares can't be read: the access rule 'x'"));
  CHECK_THAT(help("channels.fly", 3, R"("error":{"code":-32001,"message":"not connected"})"),
             ContainsSubstring("not connected"));
  CHECK_THAT(help("fly", 2, declared), ContainsSubstring("aribus call --list"));
}

TEST_CASE("bash completes, whatever it breaks words at") {
  ToolStage stage;
  const std::string folder = std::string(ARIBUS).substr(0, std::string(ARIBUS).rfind('/'));
  write_file(stage.directory / "one.yaml", "");
  // As bash does it: it breaks words at '=', too, and replaces what is behind the last break.
  const std::string typed = R"(
compopt() { :; }
typed() {
  COMP_LINE="$*" COMP_POINT=${#COMP_LINE} COMP_WORDS=() COMPREPLY=()
  local word
  for word in "$@"; do
    while [[ $word == *=* && $word != "=" ]]; do
      [[ ${word%%=*} ]] && COMP_WORDS+=("${word%%=*}")
      COMP_WORDS+=("=")
      word=${word#*=}
      [[ $word ]] || continue 2
    done
    COMP_WORDS+=("$word")
  done
  COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
  _aribus
  echo "${COMPREPLY[@]}"
}
typed aribus call channels.orig
typed aribus st
typed aribus call channels.record ifExists=
typed aribus call channels.record ifExists=ov
typed aribus tail --app d
typed aribus tail --app=d
typed aribus doctor --config "$FOLDER/o"
typed aribus doctor --config="$FOLDER/o"
typed aribus tail --app demo Stasis
)";
  const std::string output =
      run({"bash", "-c",
           "export PATH=" + folder + ":$PATH ARIBUS_SOCKET=" + stage.daemon.socket_path() +
               " FOLDER=" + stage.directory / "" + "\nFOLDER=${FOLDER%/}\n. " + ARIBUS_SOURCE_DIR +
               "/cli/completions/aribus.bash\n" + typed});
  const std::string file = stage.directory / "one.yaml";
  CHECK(
      output ==
      "channels.originate channels.originateWithId\nstatus\nfail overwrite append\noverwrite\ndemo\ndemo\n" +
          file + "\n" + file + "\nStasisEnd StasisStart\n");
}

TEST_CASE("aribus tail: JSON in a pipe, lines for people on a terminal") {
  ToolStage stage;
  Process piped({ARIBUS, "--socket", stage.daemon.socket_path(), "tail", "StasisStart", "--app", "demo"});
  stage.wait_for_subscriber();
  const std::string id = stage.call_comes();
  const auto line = piped.read_line(std::chrono::seconds(30));
  REQUIRE(line);
  CHECK(text_at(*parse_json(*line), "channel.id") == id);
  const std::string first = text_at(*stage.daemon.connect().call("status"), "bus.stream") + ":0";
  const std::string seen = stage.on_terminal_until("enters demo", "tail --since " + first);
  CHECK_THAT(seen, ContainsSubstring("#1 Alice <100>") && ContainsSubstring("enters demo"));
  CHECK_THAT(seen, ContainsSubstring("\x1b["));
  // Of another stream: what aribusd has of this one comes, from the oldest record on.
  Process unresumed({ARIBUS, "--socket", stage.daemon.socket_path(), "tail", "--since", "000000000000:7"});
  std::string lines;
  for (int i = 0; i < 2; ++i) lines += unresumed.read_line(std::chrono::seconds(30)).value_or("");
  CHECK_THAT(lines, ContainsSubstring("not resumed") && ContainsSubstring(R"("seq":1,)"));
  Process wrong({ARIBUS, "--socket", stage.daemon.socket_path(), "tail", "--since", "nonsense"});
  CHECK_THAT(wrong.read_line(std::chrono::seconds(30)).value_or(""),
             ContainsSubstring("a cursor is expected"));
  CHECK(wrong.wait(std::chrono::seconds(30)) == 2);
}

TEST_CASE("aribus calls: fields in a pipe, one document as JSON, a table on a terminal") {
  ToolStage stage;
  CHECK(stage.aribus({"calls"}).text.starts_with("CHANNEL\tWHO\t"));
  const std::string id = stage.call_comes();
  const auto once = stage.aribus({"calls"});
  CHECK(once.code == 0);
  CHECK_THAT(once.text, ContainsSubstring("\n" + id + "\tAlice <100>\t"));
  const auto json = parse_json(stage.aribus({"calls", "--json", "--app", "demo"}).text);
  REQUIRE(json.ok());
  REQUIRE(aribus::find(*json, "calls")->Size() == 1);
  const std::string call = text_at((*aribus::find(*json, "calls"))[0], "call.id");
  CHECK_THAT(once.text, ContainsSubstring("\t" + call + "\tinbound\tAlice <100>\t"));
  CHECK_THAT(stage.aribus({"calls", "--search", call}).text, ContainsSubstring("\n" + id + "\t"));
  CHECK(
      aribus::find(*parse_json(stage.aribus({"calls", "--json", "--search", "bob"}).text), "calls")->Empty());
  CHECK_THAT(stage.aribus({"calls", "--sort", "age"}).text, ContainsSubstring("--sort: time, who,"));
  CHECK_THAT(stage.on_terminal("calls --once"), ContainsSubstring(id));
  stage.simulator.process().signal(SIGKILL);
  CHECK(soon([&] {
    return stage.aribus({"calls"}).text.find("aribus: pbx1: no connection to Asterisk since ") !=
           std::string::npos;
  }));
}

TEST_CASE(
    "aribus calls on a terminal takes keys, goes on over a restart, and leaves the terminal as it was") {
  ToolStage stage;
  stage.call_comes();
  OnTerminal tool({ARIBUS, "--socket", stage.daemon.socket_path(), "calls"}, 24, 80);
  CHECK(tool.shows("1 call, "));
  CHECK(tool.shows("Alice <100>"));
  CHECK_FALSE(tool.is_as_it_was());
  tool.type("\r");
  CHECK(tool.shows("  Alice <100>"));  // the leg
  CHECK(tool.shows("inbound, 1 leg, "));
  tool.type("j");
  CHECK(tool.shows("of call pbx1/"));
  tool.type("o");
  CHECK(tool.shows("rows 1 to 1"));
  tool.type("/zzz");
  CHECK(tool.shows("0 of 1 call, /zzz,"));
  tool.type("\x1b");
  CHECK(tool.shows("1 call, "));
  tool.resize(10, 40);
  CHECK(tool.shows("\x1b[J\x1b[90mq end  Enter legs  / search  ? all keys \x1b[0m"));  // as wide as it is now
  stage.daemon.restart();
  CHECK(tool.shows("not connected since "));
  stage.daemon.wait_ready();
  stage.simulator.control("POST", "call", R"({"app":"demo","caller":"200","caller_name":"Bob"})");
  CHECK(tool.shows("2 calls, "));
  tool.type("q");
  CHECK(tool.wait() == 0);
  CHECK(tool.is_as_it_was());
  CHECK(tool.written().ends_with("\x1b[?7h\x1b[?25h\x1b[?1049l"));
  const std::string last = tool.written().substr(tool.written().rfind("\x1b[H"));
  CHECK_THAT(last, ContainsSubstring("Bob <200>") && !ContainsSubstring("not connected"));
  CHECK(harm_in(tool.written()) == "");
}

TEST_CASE("aribus calls leaves the terminal as it was whatever ends it") {
  ToolStage stage;
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
    OnTerminal tool({ARIBUS, "--socket", stage.daemon.socket_path(), "calls"}, 24, 80);
    CHECK(tool.shows("0 calls, "));
    tool.signal(number);
    INFO(number);
    CHECK(tool.wait() == 0);
    CHECK(tool.is_as_it_was());
    CHECK(tool.written().ends_with("\x1b[?1049l"));
  }
}

TEST_CASE("why aribus calls ended is told behind its screen") {
  const TemporaryDirectory own;
  int subscribed = 0;
  const FakeDaemon daemon(own / "socket", [&](FakeDaemon::Peer& peer) {
    while (const auto line = peer.line()) {
      const size_t at = line->find("\"id\":");
      const std::string head = R"({"jsonrpc":"2.0",)" + line->substr(at, line->find(',', at) - at) + ",";
      const bool subscribes = line->find(R"("method":"subscribe")") != std::string::npos;
      const bool refuses = subscribes && ++subscribed > 1;
      peer.send(head +
                (refuses ? R"("error":{"code":-32003,"message":"the access rule 'x' does not allow it"}})"
                         : R"("result":{"cursor":"a:1","snapshot":{"channels":[],"bridges":[]}}})") +
                "\n");
      if (subscribes && !refuses) return;
    }
  });
  OnTerminal tool({ARIBUS, "--socket", daemon.path(), "calls"}, 24, 80);
  CHECK(tool.shows("\x1b[?1049l"));
  CHECK(tool.shows("aribus: the access rule 'x' does not allow it"));
  CHECK(tool.wait() == 5);
  CHECK(tool.is_as_it_was());
}

TEST_CASE("why the daemon ends a connection is told") {
  const Simulator simulator;
  Daemon daemon({simulator.server()}, "limits: {connections: 1}\n");
  auto first = daemon.connect();
  // The one that looked whether it listens may be there yet.
  CHECK(soon([&] { return first.call("ping").ok() || (first = daemon.connect()).call("ping").ok(); }));
  const TemporaryDirectory own;
  Process process({ARIBUS, "--socket", daemon.socket_path(), "status"}, own / "output");
  CHECK(process.wait(std::chrono::seconds(30)) == 3);
  CHECK_THAT(read_file(own / "output"), ContainsSubstring("there are 1 connections already"));
}

TEST_CASE("aribus reload says what came of the changed configuration") {
  ToolStage stage;
  CHECK(stage.aribus({"reload"}).text == "the configuration is as it was\n");
  stage.daemon.configure({stage.simulator.server()}, "logging: {level: trace}\nbus: {ring_bytes: 8MiB}\n");
  const auto reloaded = stage.aribus({"reload"});
  CHECK(reloaded.code == 0);
  CHECK_THAT(reloaded.text, ContainsSubstring("logging.level: trace\n"));
  CHECK_THAT(reloaded.text, ContainsSubstring("bus.ring_bytes: counts after a restart of aribusd\n"));
  stage.daemon.configure({stage.simulator.server()}, "lokking: {}\n");
  const auto refused = stage.aribus({"reload"});
  CHECK(refused.code == 1);
  CHECK_THAT(refused.text, ContainsSubstring("nothing was changed"));
  CHECK_THAT(refused.text, ContainsSubstring("did you mean 'logging'?"));
}

TEST_CASE("aribus status: for people on a terminal, JSON in a pipe") {
  ToolStage stage;
  CHECK(parse_json(stage.aribus({"status"}).text).ok());
  CHECK_THAT(stage.on_terminal("status"),
             ContainsSubstring("pbx1") && ContainsSubstring("ready") && ContainsSubstring("MiB"));
  CHECK_THAT(stage.aribus({"status", "--text"}).text, ContainsSubstring("1 connection of programs"));
}

TEST_CASE("aribus call prints JSON in one line in a pipe, and indented on a terminal") {
  const ToolStage stage;
  const std::string piped = stage.aribus({"call", "status"}).text;
  CHECK(piped.find('\n') == piped.size() - 1);
  CHECK_THAT(stage.on_terminal("call status"), ContainsSubstring("\n  \"aribus\": "));
}

TEST_CASE("aribus check reads a configuration as the daemon does") {
  ToolStage stage;
  write_file(stage.directory / "bad.yaml",
             "asterisk:\n  - {urll: 'http://127.0.0.1:8088', username: a, password: b, apps: [c]}\n");
  const auto bad = stage.aribus({"check", stage.directory / "bad.yaml"});
  CHECK(bad.code != 0);
  CHECK_THAT(bad.text, ContainsSubstring("urll") && ContainsSubstring("url"));
}

TEST_CASE("a recording is shown again, and played by the simulator") {
  ToolStage stage;
  const std::string file = stage.directory / "recording";
  std::string id;
  {
    Process recorder({ARIBUS, "--socket", stage.daemon.socket_path(), "record", file},
                     stage.directory / "recorder.log");
    stage.wait_for_subscriber();
    id = stage.call_comes();
    stage.aribus({"hangup", id});
    CHECK(soon([&] { return read_file(file).find("StasisEnd") != std::string::npos; }));
    recorder.signal(SIGINT);
    CHECK(recorder.wait(std::chrono::seconds(30)) == 0);
    CHECK_THAT(read_file(stage.directory / "recorder.log"), ContainsSubstring(" records in "));
    CHECK(std::filesystem::status(file).permissions() == std::filesystem::perms(0600));
  }
  const auto shown = stage.aribus({"replay", file, "--text"});
  CHECK(shown.code == 0);
  CHECK_THAT(shown.text, ContainsSubstring("enters demo") && ContainsSubstring("leaves demo"));
  CHECK(stage.aribus({"replay", file, "--speed", "fast"}).code == 2);
  CHECK(stage.aribus({"replay", stage.directory / "recorder.log"}).code == 1);
  CHECK(stage.aribus({"replay", stage.directory / "none"}).code == 1);
  CHECK_THAT(stage.aribus({"replay", stage.directory / ""}).text, ContainsSubstring("is it a folder?"));

  const Simulator player({"--replay", file, "--loops", "1", "--rate", "1000"});
  const Daemon again({player.server()});
  Program program(again.connect(),
                  R"({"since":")" + text_at(*again.connect().call("status"), "bus.stream") + R"(:0"})");
  const Json started = program.expect("StasisStart");
  CHECK(text_at(started, "channel.id") == id);
  CHECK(text_at(started, "app") == "demo");
  program.expect("StasisEnd");
}

TEST_CASE("a caller's name is JSON and text on a terminal, and nothing that it obeys") {
  ToolStage stage;
  const std::string name = R"(Eve \u001b[2J\u009b2J\u009d0;x\u009c\u007f\u202e\u2066\u2028\u200b\r\nforged!)";
  stage.simulator.control("POST", "call", R"({"app":"demo","caller":"100","caller_name":")" + name + "\"}");
  Program program(
      stage.daemon.connect(),
      R"({"since":")" + text_at(*stage.daemon.connect().call("status"), "bus.stream") + R"(:0"})");
  const std::string told = text_at(program.expect("StasisStart"), "channel.caller.name");
  CHECK_THAT(told, ContainsSubstring("\xC2\x9B"));  // it comes as far as here
  const std::string since =
      " --since " + text_at(*stage.daemon.connect().call("status"), "bus.stream") + ":0";
  const std::pair<std::string, std::string> shown[] = {{"call channels.list", "forged!"},
                                                       {"call state.channels", "forged!"},
                                                       {"tail --json" + since, "forged!"},
                                                       {"tail --all" + since, "enters demo"},  // cut before
                                                       {"calls", "Eve"}};
  for (const auto& [words, text] : shown) {
    const std::string seen = stage.on_terminal_until(text, words);
    INFO(words);
    CHECK_THAT(seen, ContainsSubstring("Eve"));
    CHECK(harm_in(seen) == "");
  }
  const auto piped = parse_json(stage.aribus({"call", "state.channels"}).text);
  REQUIRE(piped.ok());
  CHECK((*piped == stage.daemon.connect().call("state.channels").value()));
}

TEST_CASE("an answer without end is given up at a bound") {
  const TemporaryDirectory own;
  constexpr size_t all = size_t{600} << 20;
  FakeDaemon daemon(own / "socket", [](FakeDaemon::Peer& peer) {
    if (!greeted(peer)) return;
    const std::string part(1 << 20, 'x');
    for (size_t sent = 0; sent < all; sent += part.size()) {
      if (!peer.send(part)) return;
    }
  });
  struct Case {
    std::vector<std::string> words;
    size_t bound;
    int code;
  };
  constexpr size_t small = size_t{16} << 20, large = size_t{128} << 20, rest = size_t{2} << 20;
  size_t before = 0;
  for (const auto& [words, bound, code] :
       {Case{{"status"}, small, 3}, Case{{"reload"}, small, 4}, Case{{"call", "--list"}, small, 3},
        Case{{"complete", "hangup", ""}, small, 0}, Case{{"originate", "x"}, large, 3},
        Case{{"call", "channels.list"}, large, 4}, Case{{"clients"}, large, 3}}) {
    std::vector<std::string> command{ARIBUS, "--socket", daemon.path()};
    command.insert(command.end(), words.begin(), words.end());
    Process process(command, own / words[0]);
    INFO(words[0]);
    CHECK(process.wait(std::chrono::seconds(60)).value_or(-1) == code);
    CHECK(daemon.sent() - before < bound + rest);
    before = daemon.sent();
    if (code != 0) CHECK_THAT(read_file(own / words[0]), ContainsSubstring("longer than"));
  }
  if (memory_is_measurable) {
    rusage usage{};
    ::getrusage(RUSAGE_CHILDREN, &usage);
    CHECK(static_cast<size_t>(usage.ru_maxrss) << 10 < 3 * large);
  }
}

TEST_CASE(
    "a connection that ends within an answer leaves the outcome unknown, and one that refuses does not") {
  const TemporaryDirectory own;
  const auto code_of = [&](const std::string& answer, const std::vector<std::string>& words) {
    const FakeDaemon daemon(own / "socket", [&](FakeDaemon::Peer& peer) {
      if (greeted(peer) && peer.line()) peer.send(answer);
    });
    std::vector<std::string> command{ARIBUS, "--socket", daemon.path()};
    command.insert(command.end(), words.begin(), words.end());
    return Process(command, own / "output").wait(std::chrono::seconds(30)).value_or(-1);
  };
  const std::string half = R"({"jsonrpc":"2.0","id":2,"res)";
  // What only looks has changed nothing, whatever was to be its answer.
  for (const std::vector<std::string>& words : {std::vector<std::string>{"status", "--text"},
                                                {"reload"},
                                                {"clients", "--text"},
                                                {"groups", "--text"},
                                                {"calls"}}) {
    INFO(words[0]);
    CHECK(code_of(half, words) == (words[0] == "reload" ? 4 : 3));
    CHECK(code_of(R"({"jsonrpc":"2.0","id":2,"result":[1]})"
                  "\n",
                  words) == 1);
  }
  CHECK(code_of(half, {"call", "x"}) == 4);
  CHECK(code_of(half, {"originate", "PJSIP/100"}) ==
        3);  // it was not sent: only its parameters were asked for
  CHECK(code_of(half, {"call", "--list"}) == 3);
  CHECK(code_of(half, {"complete", "hangup", ""}) == 0);
  CHECK(code_of(R"({"id":null,"error":{"code":-32004,"message":"too many"}})"
                "\n",
                {"call", "x"}) == 3);
  for (const char* command : {"call", "tail"}) {
    INFO(command);
    CHECK(code_of(R"({"id":null,"error":{"code":-32003,"message":"no rule"}})"
                  "\n",
                  {command, "x"}) == 5);
  }
  CHECK(code_of(R"({"id":2,"result":{"a":"12345678901234567890123456789012345678901234567890"}})"
                "\n",
                {"call", "x", "--max-answer", "50"}) == 4);
  CHECK(code_of("", {"call", "x", "--max-answer", "5k"}) == 2);
}

TEST_CASE("a socket where nobody answers is told within seconds, with what to look at, and nothing is sent") {
  const TemporaryDirectory own;
  const std::vector<std::vector<std::string>> commands{
      {"status"}, {"calls"},        {"clients"}, {"groups"},
      {"tail"},   {"hangup", "c1"}, {"reload"},  {"record", own / "records"}};
  std::string sent;
  std::atomic<size_t> served = 0;
  {
    const FakeDaemon daemon(own / "socket", [&](FakeDaemon::Peer& peer) {
      while (const auto line = peer.line()) sent += *line + "\n";
      ++served;
    });
    std::vector<std::unique_ptr<Process>> processes;  // all wait at the same time
    for (const std::vector<std::string>& words : commands) {
      std::vector<std::string> command{ARIBUS, "--socket", daemon.path()};
      command.insert(command.end(), words.begin(), words.end());
      processes.push_back(std::make_unique<Process>(command, own / words[0]));
    }
    for (size_t i = 0; i < commands.size(); ++i) {
      INFO(commands[i][0]);
      CHECK(processes[i]->wait(std::chrono::seconds(30)) == 3);
      CHECK_THAT(read_file(own / commands[i][0]), ContainsSubstring("systemctl status aribusd") &&
                                                      ContainsSubstring("journalctl -u aribusd") &&
                                                      ContainsSubstring("aribus doctor"));
    }
    CHECK(soon([&] { return served == commands.size(); }));
  }
  CHECK_THAT(sent, ContainsSubstring("hello"));
  CHECK(sent.find("hangup") == std::string::npos);
  CHECK(sent.find("reload") == std::string::npos);
  CHECK_FALSE(std::filesystem::exists(own / "records"));
}

TEST_CASE("completions are plain words, which no shell takes for anything else") {
  const TemporaryDirectory own;
  const FakeDaemon daemon(
      own / "socket", answering([](const std::string&) {
        return std::string(
            R"x("result":{"channels":[{"channel":{"id":"c1","name":"a\nb\tc","state":"Up"}},{"channel":{"id":"a;rm -rf x"}},)x"
            R"x({"channel":{"id":"$(touch x)"}},{"channel":{"id":"a\nb"}},{"channel":{"id":"`x`"}},{"channel":{"id":"c d"}},)x"
            R"x({"channel":{"id":"e\u001b[2J"}},{"channel":{"id":"*"}},{"channel":{"id":"~"}},{"channel":{"id":"-x"}},{"channel":7},8],)x"
            R"x("servers":[{"name":"good","apps":["ok","d;e","*"]}]})x");
      }));
  const auto completed = [&](const std::vector<std::string>& words) {
    std::vector<std::string> command{ARIBUS, "--socket", daemon.path(), "complete"};
    command.insert(command.end(), words.begin(), words.end());
    return run(command);
  };
  CHECK(completed({"tail", "--channel", ""}) == "c1\ta?b?c, Up\n");
  CHECK(completed({"tail", "--app", ""}) == "ok\tgood\n");
}
