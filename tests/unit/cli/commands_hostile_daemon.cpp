// Whatever answers in the daemon's place: no command crashes, hangs, or lets the terminal obey it.
#include <algorithm>
#include <atomic>

#include "cli/commands.h"
#include "json/json.h"
#include "tests/catch.h"
#include "tests/support/fake_daemon.h"
#include "tests/support/mutations.h"
#include "tests/support/terminal.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::cli;
using aribus::test::FakeDaemon;
using aribus::test::harm_in;
using aribus::test::Mutations;
using aribus::test::poisoned;
using aribus::test::TempDir;
using aribus::test::Terminal;

// In the texts below, P stands for text that must not reach a terminal.
namespace {

const std::string hostile_channel =
    R"({"id":"c1","name":"P","state":"P","caller":{"name":"P","number":"P"},"connected":{"name":"P","number":"P"},)"
    R"("dialplan":{"context":"x"},"creationtime":"2026-11-22T21:46:07.000Z"})";

const std::string discovered =
    R"({"methods":[{"name":"P","summary":"P","description":"P","params":[]},{"name":"originate","summary":"P","description":"P","x-ari":{"method":"P","path":"P","later_than":"P"},"params":[)"
    R"({"name":"endpoint","description":"P","required":true,"schema":{"type":"string"}},{"name":"P","schema":{"enum":["P",1]}},)"
    R"({"name":"media","schema":{"oneOf":[{"type":"string"},{"type":"array","items":{}}]}},)"
    R"({"name":"n","schema":{"type":["integer","null"]}},{"$ref":"#/components/contentDescriptors/server"}]}],)"
    R"("components":{"contentDescriptors":{"server":{"name":"server","schema":{"type":"string"}}}}})";

const std::string declared =
    R"({"apis":[{"path":"P","operations":[{"nickname":"P"},{"nickname":"fly","httpMethod":"P","summary":"P","notes":"P",)"
    R"("parameters":[{"name":"P","paramType":"query","dataType":"P","description":"P","defaultValue":"P",)"
    R"("allowableValues":{"values":["P",1],"min":"P","max":2}}]}]}]})";

const std::string status_answer =
    R"({"aribus":"P","pid":7,"started":"2026-11-22T21:46:07.000Z","connections":1,"subscribers":1,"servers":[)"
    R"({"name":"pbx1","state":"P","since":"2026-11-22T21:46:07.000Z","version":"P","apps":["P","demo"],"reason":"P",)"
    R"("replaced":["P"],"received":1,"requests_open":0,"rest":"P"}],"bus":{"stream":"P","first":1,"next":2,)"
    R"("ring_bytes":65536,"used_bytes":100,"path":"P","reason":"P"},"loop":{"longest_turn_us":1}})";

const std::string clients_answer =
    R"({"clients":[{"id":1,"pid":7,"program":"P","user":"P","uid":0,"socket":"P","since":"2026-11-22T21:46:07.000Z",)"
    R"("rule":"P","requests":3,"pending":1,"subscription":{"types":["P"],"apps":"P"},"sent":1,"behind":0,"lost":2}],)"
    R"("left":[{"id":2,"pid":8,"program":"P","user":null,"uid":0,"socket":"P","since":"P","rule":"P","requests":3,)"
    R"("subscription":null,"sent":1,"lost":0,"until":"2026-11-22T21:46:09.000Z","reason":"P"}]})";

const std::string groups_answer =
    R"({"groups":[{"name":"P","apps":["P"],"configured":true,"exclusive":true,"fallback":"P","waiting":1,"members":[)"
    R"({"member":"P","named":true,"connection":7,"capacity":2,"calls":1,"draining":true,"suspended":true}],"calls":[)"
    R"({"call":"P","server":"P","app":"P","state":"P","member":"P","epoch":7,"entered":"2026-11-22T21:46:07.000Z",)"
    R"("previous":"P"}],"more":3}]})";

const std::string hostile_snapshot =
    R"({"cursor":"a:1","reason":"P","snapshot":{"channels":[{"server":"P","app":"P",)"
    R"("began":"2026-11-22T21:46:07.000Z","channel":)" +
    hostile_channel +
    R"(}],"bridges":[{"server":"P","bridge":{"id":"b1","bridge_type":"mixing",)"
    R"("channels":["c1","P"]}}]}})";

std::string event(const std::string& type, const std::string& members) {
  return R"({"jsonrpc":"2.0","method":"event","params":{"seq":2,"time":"2026-11-22T21:46:16.000Z","server":"P",)"
         R"("app":"P","calls":["P"],"type":")" +
         type + "\"," + members + "}}";
}

const std::vector<std::string> notifications{
    event("StasisStart", R"("args":["P"],"channel":)" + hostile_channel),
    event("ChannelEnteredBridge", R"("channel":)" + hostile_channel +
                                      R"(,"bridge":{"id":"b1","bridge_type":"x","name":"P",)"
                                      R"("channels":["c1","P"]})"),
    event("Dial", R"("dialstatus":"P","peer":)" + hostile_channel),
    event("ChannelDtmfReceived", R"("digit":"P","channel":)" + hostile_channel),
    event("PlaybackStarted", R"("playback":{"target_uri":"channel:c1","media_uri":"P"})"),
    event("RecordingFailed", R"("recording":{"target_uri":"P","name":"P","state":"P"})"),
    event("server.disconnected", R"("reason":"P")"),
    event("server.gap", R"("from":"2026-11-22T21:46:00.000Z","to":"P","reason":"P")"),
    event("server.replaced", R"("x":"P")"),
    event("command.resolved", R"("channels":["P"],"command":"P","method":"P","outcome":"P","reason":"P")"),
    event("Malformed", R"("invalid":"P","bytes":"P")"),
    event("state.changed", R"("channels":["P"],"objects":{})"),
    event("server.connected", R"("version":"P")"),
    event("P", R"("text":"P")"),
    event("server.resynced", R"("channels":["c1"],"bridges":["P"])"),
    R"({"jsonrpc":"2.0","method":"lost","params":{"from":1,"to":"P","records":3}})",
    event("ChannelDestroyed", R"("cause":16,"cause_txt":"P","channel":)" + hostile_channel),
    event("state.gone", R"("channels":["c1","P"],"bridges":["b1"])"),
};

std::string right_answer(const std::string& request) {
  const auto asks = [&](const char* method) {
    return request.find(R"("method":")" + std::string(method) + '"') != std::string::npos;
  };
  if (asks("status")) return R"("result":)" + status_answer;
  if (asks("daemon.clients")) return R"("result":)" + clients_answer;
  if (asks("group.list")) return R"("result":)" + groups_answer;
  if (asks("hello")) return R"("result":{"aribus":"P","limits":{"request_bytes":1048576},"started":"P"})";
  if (asks("unsubscribe")) return R"("result":{"cursor":"a:9"})";
  if (asks("subscribe")) return R"("result":)" + hostile_snapshot;
  if (asks("rpc.discover")) return R"("result":)" + discovered;
  if (asks("daemon.reload")) {
    return R"("result":{"applied":true,"reason":"P","warnings":["P"],"changed":["P"],"restart":["P"]})";
  }
  if (asks("state.channels"))
    return R"("result":{"channels":[{"channel":)" + hostile_channel + R"(},{"channel":{"id":"P"}}]})";
  if (asks("ari.request")) return R"("result":)" + declared;
  if (asks("refused")) return R"("error":{"code":-32000,"message":"P\nP","data":{"P":"P"}})";
  return R"("result":{"id":"P"})";
}

struct Run {
  std::vector<std::string> words;
  std::vector<std::pair<std::string, std::string>> options{};
};

const TempDir& folder() {
  static const TempDir made;
  return made;
}

std::string configuration() {
  return folder().write(
      "aribusd.yaml",
      "asterisk:\n  - {name: pbx1, url: 'http://127.0.0.1:1', username: a, password: b, apps: [demo]}\n");
}

// The commands as they are used, on a terminal and otherwise.
std::vector<Run> runs() {
  return {{{"status"}},
          {{"status"}, {{"json", ""}}},
          {{"clients"}},
          {{"groups"}},
          {{"groups", "P"}, {{"json", ""}}},
          {{"reload"}},
          {{"calls"}},
          {{"calls"}, {{"once", ""}}},
          {{"calls"}, {{"json", ""}}},
          {{"trace", "c1"}},
          {{"trace", "c1"}, {{"json", ""}}},
          {{"tail"}},
          {{"tail"}, {{"json", ""}}},
          {{"tail"}, {{"all", ""}}},
          {{"record", folder().path("records")}, {{"force", ""}}},
          {{"record", folder().path("records")}, {{"append", ""}}},
          {{"call"}, {{"list", ""}}},
          {{"call", "originate"}, {{"help", ""}}},
          {{"call", "channels.fly"}, {{"help", ""}}},
          {{"call", "channels.walk", "server=P"}, {{"help", ""}}},
          {{"call", "originate", "endpoint=a", "media=b", "media=c", "n=1", "server=pbx1"}},
          {{"call", "refused"}},
          {{"originate", "PJSIP/100", "media=x"}},
          {{"complete", "hangup", ""}},
          {{"complete", "tail", "--app", ""}}};
}

int carry_out(const Run& run, const std::string& socket) {
  Arguments arguments;
  arguments.socket = socket;
  arguments.socket_given = true;
  arguments.words = run.words;
  arguments.options = run.options;
  return find_command(run.words[0])->run(arguments);
}

std::string named(const Run& run) {
  std::string out;
  for (const std::string& word : run.words) out += word + " ";
  for (const auto& [name, value] : run.options) out += "--" + name + " " + value;
  return out;
}

// What a fake daemon sends for a request: the value of `result` or `error`, or a notification.
using Change = std::function<std::string(const std::string&)>;

// That the daemon takes nothing of this program: the one end after which no command connects again.
const std::string not_allowed_here =
    poisoned(R"({"jsonrpc":"2.0","id":null,"error":{"code":-32003,"message":"P"}})") + "\n";

// Answers each request, with `result` and `notification` changed; after `subscribe` the connection ends, and
// from then on `is_over` holds, and none is allowed. With `envelope`, which may say no more who asked, it
// ends after the first answer.
void serve(FakeDaemon::Peer& peer, std::atomic<bool>& is_over, const Change& result,
           const Change& notification, const Change& envelope = {}) {
  while (const auto line = peer.line()) {
    if (is_over) {
      peer.send(not_allowed_here);
      return;
    }
    const size_t at = line->find("\"id\":") + 5;
    const std::string head =
        R"({"jsonrpc":"2.0",)" + line->substr(line->find("\"id\":"), line->find(',', at) - at + 6);
    const std::string members = right_answer(*line);
    const size_t value = members.find(':') + 1;
    std::string out = head + members.substr(0, value) + result(members.substr(value)) + "}";
    if (envelope) out = envelope(head + members + "}");
    out += '\n';
    const bool subscribes = line->find(R"("method":"subscribe")") != std::string::npos;
    if (subscribes) {
      for (const std::string& one : notifications) out += notification(one) + "\n";
      out += not_allowed_here;
      is_over = true;
    }
    if (!peer.send(out) || subscribes || envelope) return;
  }
}

// What of a command's output a terminal would obey. The tabs of `complete` are its own, for the shells.
std::string harm_of(const Run& run, std::string seen) {
  if (run.words[0] == "complete") std::ranges::replace(seen, '\t', ' ');
  return harm_in(seen);
}

}  // namespace

TEST_CASE("no command lets the terminal obey what the daemon says") {
  std::atomic<bool> is_over = false;
  FakeDaemon daemon(folder().path("poison"),
                    [&](FakeDaemon::Peer& peer) { serve(peer, is_over, poisoned, poisoned); });
  std::vector<Run> all = runs();
  all.push_back({{"doctor"}, {{"config", configuration()}, {"asterisk-etc", folder().path("none")}}});
  for (const Run& run : all) {
    is_over = false;
    Terminal terminal;
    const int code = carry_out(run, daemon.path());
    const std::string seen = terminal.end();
    INFO(named(run) << "\n" << seen.size() << " bytes");
    CHECK(code >= 0);
    CHECK(code <= 5);
    CHECK(harm_of(run, seen) == "");
  }
}

TEST_CASE("no command is brought down by an answer of another shape") {
  constexpr int rounds = 400;      // of each command
  constexpr int slow_rounds = 30;  // of those that wait a moment before they connect again
  std::atomic<bool> is_over = false;
  Mutations mutations(20261122);
  FakeDaemon daemon(folder().path("mutated"), [&](FakeDaemon::Peer& peer) {
    const Change mutated = [&](const std::string& text) {
      const size_t way = mutations.below(8);
      return way < 2 ? poisoned(text) : way < 7 ? mutations.of(text) : mutations.of_bytes(text);
    };
    serve(peer, is_over, mutated, mutated, mutations.below(6) == 0 ? mutated : Change());
  });
  for (const Run& run : runs()) {
    Terminal terminal;
    int least = 0, most = 0;
    const bool is_slow = run.words[0] == "tail" || run.words[0] == "record" ||
                         (run.words[0] == "calls" && run.options.empty());
    for (int round = 0; round < (is_slow ? slow_rounds : rounds); ++round) {
      is_over = false;
      const int code = carry_out(run, daemon.path());
      least = std::min(least, code);
      most = std::max(most, code);
    }
    const std::string& seen = terminal.end();
    INFO(named(run));
    CHECK(least >= 0);
    CHECK(most <= 5);
    CHECK(harm_of(run, seen) == "");
  }
}

TEST_CASE("no file lets the terminal obey it when it is shown again") {
  std::string text;
  for (const std::string& notification : notifications) {
    const Json parsed = test::json(poisoned(notification));
    text += to_text(*find(parsed, "params")) + "\n";
  }
  const std::string records = folder().write("shown", text);
  const std::string broken = folder().write("broken", text.substr(0, 3000) + "\x1b[2J\n");
  for (const Run& run : {Run{{"replay", records}, {{"json", ""}}}, Run{{"replay", records}, {{"all", ""}}},
                         Run{{"replay", broken}}, Run{{"replay", folder().path("\x1b[2J\xC2\x9B")}},
                         Run{{"check", folder().write("bad.yaml", "a\x1b[2J\xC2\x9B: 1\n")}},
                         Run{{"check", folder().path("\x1b[2J\xC2\x9B")}}}) {
    Terminal terminal;
    static_cast<void>(carry_out(run, "none"));
    const std::string seen = terminal.end();
    INFO(named(run));
    CHECK(seen.size() > 10);
    CHECK(harm_of(run, seen) == "");
  }
}

TEST_CASE("reading a recording stops at a line that is too long, with an error") {
  const Terminal terminal;
  CHECK(carry_out({{"replay", "/dev/zero"}}, "none") == failed);
}
