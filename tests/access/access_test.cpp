// Real users and groups against every rule. methods.txt says what each method reaches: whoever adds one
// thinks about that, and writes it there.
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <thread>

#include "tests/access/peer.h"
#include "tests/catch.h"
#include "tests/support/program.h"
#include "tests/support/simulator.h"

namespace {

using aribus::find;
using aribus::find_string;
using aribus::Json;
using aribus::parse_json;
using aribus::to_text;
using namespace aribus::test;

constexpr int not_allowed = -32003;
constexpr int too_much = -32004;

constexpr gid_t control_group = 4100, reading_group = 4101;

const Identity root{};
const Identity operator_by_group{4001, 4001, {4444, control_group}};
const Identity operator_by_primary{4002, control_group};
const Identity reader{4003, 4003, {reading_group}};
const Identity stranger{4004, 4004};
const Identity banned{4005, control_group, {reading_group}};
const Identity narrow{4006, 4006};
const Identity by_name{1, 1};  // "daemon", in Debian's base-passwd

constexpr const char* rules = R"(    mode: "0666"
  - path: @DIRECTORY@/monitor.sock
    mode: "0666"
access:
  - {name: admins, users: [root], methods: [read, control, admin], functions: ["*"]}
  - {name: banned, users: [4005], methods: []}
  - {name: monitor, sockets: [@DIRECTORY@/monitor.sock], methods: [hello, ping, status, subscribe, unsubscribe, "state.*"]}
  - {name: narrow, users: [4006], methods: ["channels.*", originate, play, bridges.play], exclude_methods: [channels.originate, bridges.play]}
  - {name: by-name, users: [daemon], methods: ["*"], exclude_methods: [admin]}
  - {name: control, groups: [4100], methods: [read, control]}
  - {name: reading, groups: [4101], methods: [read]}
)";

// Asterisk, and a daemon whose sockets everybody may open.
struct Stage {
  Simulator asterisk;
  Daemon daemon;

  explicit Stage(const std::string& config, const std::vector<std::string>& apps = {"demo"})
      : daemon({server(apps)}, config) {
    namespace fs = std::filesystem;
    fs::permissions(fs::path(daemon.socket_path()).parent_path(), fs::perms(0755));
    daemon.wait_ready();
  }
  [[nodiscard]] aribus::test::Server server(const std::vector<std::string>& apps) const {
    aribus::test::Server server = asterisk.server();
    server.apps = apps;
    return server;
  }
  [[nodiscard]] std::string monitor_path() const {
    return std::filesystem::path(daemon.socket_path()).parent_path() / "monitor.sock";
  }
  // What Asterisk was asked that changes something, or reads a variable.
  [[nodiscard]] std::vector<std::string> effects() const {
    std::vector<std::string> found;
    const auto log = parse_json(asterisk.control("GET", "log"));
    for (const auto& request : log->GetArray()) {
      const std::string text = to_text(request);
      if (find_string(request, "method") != "GET" || text.find("/variable") != std::string::npos)
        found.push_back(text);
    }
    return found;
  }
};

std::map<std::string, std::string> sets_of_methods() {
  std::ifstream file(std::string(ARIBUS_SOURCE_DIR) + "/tests/access/methods.txt");
  std::map<std::string, std::string> sets;
  for (std::string set, method; file >> set >> method;) sets[method] = set;
  return sets;
}

// Calls until it works: a channel that was just originated is not in the application yet.
bool works_soon(Peer& peer, const std::string& method, const std::string& params) {
  for (int i = 0; i < 200; ++i) {
    if (peer.code(method, params) == 0) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

bool needs_root() {
  if (can_be_others()) return false;
  WARN("left out: only root can be other users");
  return true;
}

}  // namespace

TEST_CASE("what each method reaches was thought about") {
  Stage stage("");
  Program program(stage.daemon.connect(), R"({"types":"none"})");
  const auto sets = sets_of_methods();
  const Json described = program.call("rpc.discover");
  CHECK(described["methods"].Size() == sets.size());
  for (const auto& method : described["methods"].GetArray()) {
    const std::string name(find_string(method, "name"));
    INFO(name);
    REQUIRE(sets.contains(name));
    CHECK(find_string(method, "x-access") == sets.at(name));
  }
}

TEST_CASE("every method is tried by everybody under every rule") {
  if (needs_root()) return;
  Stage stage(rules);
  const auto sets = sets_of_methods();
  const auto in = [&](const std::string& method, const std::set<std::string>& wanted) {
    return wanted.contains(sets.at(method));
  };
  struct Case {
    const char* who;
    Identity identity;
    bool monitor;  // the other socket
    std::string rule;
    std::function<bool(const std::string&)> allowed;
  };
  const auto everything = [](const std::string&) { return true; };
  const auto control = [&](const std::string& m) { return in(m, {"read", "control"}); };
  const auto read = [&](const std::string& m) { return in(m, {"read"}); };
  const auto none = [](const std::string&) { return false; };
  const auto watches = [](const std::string& m) {
    static const std::set<std::string> own{"hello", "ping", "status", "subscribe", "unsubscribe"};
    return m.starts_with("state.") || own.contains(m);
  };
  // `originate` and `play` are made of what is excluded.
  const auto few = [](const std::string& m) {
    return m.starts_with("channels.") && m != "channels.originate";
  };
  const Case cases[] = {
      {"root", root, false, "admins", everything},
      {"root, monitoring", root, true, "admins", everything},
      {"by supplementary group", operator_by_group, false, "control", control},
      {"by primary group", operator_by_primary, false, "control", control},
      {"control group, monitoring", operator_by_group, true, "monitor", watches},
      {"reader", reader, false, "reading", read},
      {"reader, monitoring", reader, true, "monitor", watches},
      {"stranger, monitoring", stranger, true, "monitor", watches},
      {"banned, in both groups", banned, false, "banned", none},
      {"banned, monitoring", banned, true, "banned", none},
      {"narrow", narrow, false, "narrow", few},
      {"by name", by_name, false, "by-name", control},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.who) {
      Peer peer(c.monitor ? stage.monitor_path() : stage.daemon.socket_path(), c.identity);
      stage.asterisk.control("DELETE", "log");
      std::string batch;
      for (const auto& [method, set] : sets) {
        INFO(method);
        const Json answer = peer.ask(method);
        CHECK((code_in(answer) != not_allowed) == c.allowed(method));
        if (!c.allowed(method)) CHECK(rule_in(answer) == c.rule);
        // The same with parameters that Asterisk would act on, and without an answer.
        if (!c.allowed(method)) {
          peer.send(R"({"jsonrpc":"2.0","method":")" + method +
                    R"(","params":{"channelId":"c1","bridgeId":"b1","app":"demo","endpoint":"Local/s"}})");
          batch += (batch.empty() ? "" : ",") +
                   (R"({"jsonrpc":"2.0","id":")" + method + R"(","method":")" + method + "\"}");
        }
      }
      if (batch.empty()) return;
      peer.send("[" + batch + "]");
      Json answers = peer.next();
      while (!answers.IsArray()) answers = peer.next();
      for (const auto& answer : answers.GetArray()) {
        INFO(to_text(answer));
        CHECK(code_in(answer) == not_allowed);
        CHECK(rule_in(answer) == c.rule);
      }
      // Of what is not allowed nothing reached Asterisk: who may only read has no effect at all.
      bool acts = false;
      for (const auto& [method, set] : sets) acts |= set != "read" && c.allowed(method);
      if (!acts) CHECK(stage.effects().empty());
    }
  }
}

TEST_CASE("who has no rule is refused and closed") {
  if (needs_root()) return;
  Stage stage(rules);
  Peer peer(stage.daemon.socket_path(), stranger);
  const Json refusal = peer.next();
  CHECK(code_in(refusal) == not_allowed);
  CHECK(rule_in(refusal).empty());
  CHECK_THROWS(peer.ask("ping"));
  const TemporaryDirectory own;
  Process tool({"setpriv", "--reuid", "4004", "--regid", "4004", "--clear-groups", ARIBUS, "--socket",
                stage.daemon.socket_path(), "status"},
               own / "output");
  CHECK(tool.wait(std::chrono::seconds(20)) == 5);
  CHECK_THAT(read_file(own / "output"), ContainsSubstring("no access rule"));
}

TEST_CASE("the file of the records is open to nobody who may use the socket") {
  if (needs_root()) return;
  const Stage stage(std::string(rules) + "bus: {ring_bytes: 64KiB, path: @DIRECTORY@/bus.log}\n");
  const std::string file = std::filesystem::path(stage.daemon.socket_path()).parent_path() / "bus.log";
  const TemporaryDirectory own;
  const auto status = [&](const Identity& who) {
    const std::string groups = std::to_string(who.groups.empty() ? who.gid : who.groups.front());
    Process tool({"setpriv", "--reuid", std::to_string(who.uid), "--regid", std::to_string(who.gid),
                  "--groups", groups, "head", "-c1", file},
                 own / "output");
    return tool.wait(std::chrono::seconds(20));
  };
  CHECK(status(root) == 0);
  for (const Identity& who : {operator_by_group, operator_by_primary, reader, stranger, by_name}) {
    INFO(who.uid);
    if (who.uid != stranger.uid) CHECK(Peer(stage.daemon.socket_path(), who).code("hello") == 0);
    CHECK(status(who) == 1);
    CHECK_THAT(read_file(own / "output"), ContainsSubstring("Permission denied"));
  }
}

TEST_CASE("hello says who one is, and what holds") {
  if (needs_root()) return;
  Stage stage(rules);
  Peer peer(stage.daemon.socket_path(), operator_by_group);
  const Json hello = peer.ask("hello");
  const auto& result = hello["result"];
  CHECK(find_string(result, "rule") == "control");
  CHECK(result["peer"]["uid"].GetUint() == 4001);
  CHECK(result["peer"]["gid"].GetUint() == 4001);
  CHECK(to_text(result["peer"]["groups"]) == "[4100,4444]");  // the kernel sorts them
  CHECK(find_string(result["peer"], "socket") == stage.daemon.socket_path());
  Peer named(stage.daemon.socket_path(), by_name);
  for (int i = 0; i < 100; ++i) {  // it is looked up meanwhile
    const Json answer = named.ask("hello");
    if (find_string(answer["result"]["peer"], "user") == "daemon") return;
  }
  FAIL("the name of user 1 is not found");
}

TEST_CASE("without rules of one's own nobody but root and the daemon's user harms the PBX") {
  if (needs_root()) return;
  Stage stage("    mode: \"0666\"\n");
  Peer peer(stage.daemon.socket_path(), stranger);
  CHECK(rule_in(peer.ask("asterisk.unloadModule", R"({"moduleName":"x"})")) == "default");
  CHECK(rule_in(peer.ask("ari.request", R"({"method":"GET","path":"/channels"})")) == "default");
  CHECK(rule_in(peer.ask("channels.getChannelVar", R"j({"channelId":"c1","variable":"SHELL(id)"})j")) ==
        "default");
  CHECK(peer.code("channels.list") == 0);
  CHECK(peer.code("bridges.create") == 0);
  Peer owner(stage.daemon.socket_path(), root);
  CHECK(owner.code("ari.request", R"({"method":"GET","path":"/channels"})") == 0);
}

TEST_CASE("no trick leads around a rule") {
  if (needs_root()) return;
  Stage stage(rules);
  Peer peer(stage.daemon.socket_path(), operator_by_group);
  REQUIRE(peer.code("originate", R"({"endpoint":"Local/answer@default","channelId":"c1"})") == 0);
  stage.asterisk.control("DELETE", "log");
  // Each in what is a harmless command otherwise; @ stands for a name that calls a function.
  const std::pair<std::string, std::string> carriers[] = {
      {"channels.getChannelVar", R"j({"channelId":"c1","variable":"@"})j"},
      {"channels.getChannelVar", R"j({"channelId":"c1","variable":["@"]})j"},
      {"channels.getChannelVar", R"j({"channelId":1,"variable":"@"})j"},
      {"channels.getChannelVars", R"j({"channelId":"c1","variables":["A","@"]})j"},
      {"channels.getChannelVars", R"j({"channelId":"c1","variables":"A,@"})j"},
      {"channels.setChannelVar", R"j({"channelId":"c1","variable":"@","value":"y"})j"},
      {"channels.setChannelVars", R"j({"channelId":"c1","variables":{"A":"b","@":"y"}})j"},
      {"bridges.setBridgeVar", R"j({"bridgeId":"b1","variable":"@","value":"y"})j"},
      {"bridges.setBridgeVars", R"j({"bridgeId":"b1","variables":{"@":{"value":"y"}}})j"},
      {"bridges.getBridgeVar", R"j({"bridgeId":"b1","variable":"@"})j"},
      {"asterisk.getGlobalVar", R"j({"variable":"@"})j"},
      {"originate", R"j({"endpoint":"Local/s","variables":{"@":"x"}})j"},
      {"originate", R"j({"endpoint":"Local/s","variables":{"variables":{"@":"x"}}})j"},
      {"channels.originate", R"j({"endpoint":"Local/s","variables":{"A":"b","A":{"@":"x"}}})j"},
      {"channels.originateWithId", R"j({"channelId":"c9","endpoint":"Local/s","variables":{"@":"x"}})j"},
      {"channels.create", R"j({"endpoint":"Local/s","app":"demo","variables":{"@":"x"}})j"},
      {"channels.externalMedia",
       R"j({"app":"demo","external_host":"127.0.0.1:1","format":"ulaw","variables":{"CALLERID(num)":"1","@":"x"}})j"},
      {"endpoints.sendMessage", R"j({"to":"pjsip:x","from":"y","variables":{"@":"y"}})j"},
  };
  const std::string names[] = {"SHELL(id)",
                               "shell(id)",
                               " SHELL (id)",
                               R"j(SHELL\u0028id))j",
                               "SHELL((id)",
                               "FILE(/etc/passwd)",
                               "FIELDQTY(SHELL(id),x)",
                               "CALLERID(${SHELL(id)})",
                               "EVAL(${X})",
                               "CALLERID(num)SHELL(id)",
                               "X-CALLERID(num)",
                               "_FILE(/etc/passwd)",
                               "DB(a/b)",
                               "GLOBAL(X)",
                               "CURL(http://x)",
                               "ENV(PATH)",
                               "AST_CONFIG(pjsip.conf,a,password)",
                               "PJSIP_ENDPOINT(a,auth)",
                               "STAT(e,/x)",
                               "LOCK(x)",
                               "(x)"};
  const auto is_refused = [&](const std::string& method, const std::string& params) {
    INFO(method << " " << params);
    const Json answer = peer.ask(method, params);
    INFO(to_text(answer));
    CHECK(code_in(answer) == not_allowed);
    CHECK(rule_in(answer) == "control");
  };
  for (const auto& [method, pattern] : carriers) {
    for (const std::string& name : names) {
      std::string params = pattern;
      is_refused(method, params.replace(params.find('@'), 1, name));
    }
  }
  const std::pair<std::string, std::string> others[] = {
      {"ari.request", R"({"method":"DELETE","path":"/channels/c1"})"},
      {"ari.request", R"({"method":"GET","path":"/ari/../asterisk/info"})"},
      {"ari.request", R"({"method":"PUT","path":"/channels/%2e%2e/asterisk/modules/x"})"},
      {"ari.request", R"({"method":"POST","path":"//asterisk/variable//"})"},
      {"ari.request", "[]"},
      {"ari.request", "null"},
      {"asterisk.getObject", R"({"configClass":"res_pjsip","objectType":"auth","id":"x"})"},
      {"asterisk.getObject", R"({"configClass":1})"},
  };
  for (const auto& [method, params] : others) is_refused(method, params);
  // No rule refuses these, and yet nothing is sent.
  const std::pair<std::string, std::string> invalid[] = {
      {"Channels.Hangup", R"({"channelId":"c1"})"},
      {"channels.hangup ", R"({"channelId":"c1"})"},
      {"ARI.request", R"({"method":"DELETE","path":"/channels/c1"})"},
      {R"(channels.hangup\u0000)", R"({"channelId":"c1"})"},
      {"channels.getChannelVar", R"j({"channelId":"c1","variable":"A","variable":"SHELL(id)"})j"},
      {"channels.getChannelVar", R"({"channelId":"c1","variable":"A\u0000B"})"},
      {"channels.hangup", R"({"channelId":1})"},
      {"channels.hangup", R"(["c1"])"},
  };
  for (const auto& [method, params] : invalid) {
    INFO(method << " " << params);
    CHECK(peer.code(method, params) != 0);
  }
  CHECK(stage.effects().empty());
  // What is harmless goes through.
  CHECK(works_soon(peer, "channels.setChannelVar",
                   R"j({"channelId":"c1","variable":"CALLERID(name)","value":"${SHELL(id)}"})j"));
  CHECK(peer.code("channels.getChannelVar", R"j({"channelId":"c1","variable":"CHANNEL(state)"})j") !=
        not_allowed);
  CHECK(peer.code("events.userEvent",
                  R"j({"eventName":"x","application":"demo","variables":{"a(b)":"c"}})j") != not_allowed);
  CHECK(stage.effects().size() >= 2);
}

TEST_CASE("no subscription shows more than the rule") {
  if (needs_root()) return;
  Stage stage(R"(    mode: "0666"
access:
  - {name: admins, users: [root], methods: [read, control, admin], functions: ["*"]}
  - {name: bounded, users: [4003], methods: [subscribe, unsubscribe, state.channels, state.bridges], types: ["Stasis*"], exclude_types: [StasisEnd], apps: [demo]}
  - {name: deaf, users: [4004], methods: [status]}
)",
              {"demo", "other"});
  Peer admin(stage.daemon.socket_path(), root);
  const std::string begin(find_string(admin.ask("hello")["result"], "cursor"));
  const auto call = [&](const std::string& app) {
    const auto made = parse_json(stage.asterisk.control("POST", "call", R"({"app":")" + app + "\"}"));
    return std::string(find_string(*made, "channel"));
  };
  const std::string mine = call("demo"), other = call("other");
  stage.asterisk.control("POST", "call/" + call("demo") + "/hangup");
  for (int i = 0; i < 400; ++i) {
    if (admin.ask("state.channels")["result"]["channels"].Size() == 2) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  // Whatever it asks for, and however often anew.
  for (const char* params :
       {R"({"since":"@"})", R"({"since":"@","types":["*"]})", R"({"since":"@","types":"Channel*"})",
        R"({"since":"@","apps":["demo","other",""]})",
        R"({"since":"@","types":["StasisEnd","server.*","StasisStart"]})",
        R"({"since":"@","channels":["OTHER"]})", R"({"since":"@","exclude":[]})"}) {
    std::string text = params;
    text.replace(text.find('@'), 1, begin);
    if (const size_t at = text.find("OTHER"); at != std::string::npos) text.replace(at, 5, other);
    INFO(text);
    Peer peer(stage.daemon.socket_path(), reader);
    for (int round = 0; round < 2; ++round) {
      const Json answer = peer.ask("subscribe", text);
      CHECK((code_in(answer) == 0 || text.find("exclude") != std::string::npos));
      while (!peer.silent()) {
        const Json record = peer.next();
        INFO(to_text(record));
        CHECK(find_string(record["params"], "type") == "StasisStart");
        CHECK(find_string(record["params"], "app") == "demo");
      }
    }
  }
  Peer peer(stage.daemon.socket_path(), reader);
  const auto all = peer.ask("state.channels");
  REQUIRE(all["result"]["channels"].Size() == 1);
  CHECK(find_string(all["result"]["channels"][0]["channel"], "id") == mine);
  CHECK(peer.ask("state.channels", R"({"id":")" + other + "\"}")["result"]["channels"].Empty());
  CHECK(peer.ask("state.channels", R"({"app":"other"})")["result"]["channels"].Empty());
  const Json snapshot = peer.ask("subscribe", R"({"snapshot":true})");
  const auto& shown = snapshot["result"]["snapshot"];
  CHECK(shown["channels"].Size() == 1);
  CHECK(shown.HasMember("bridges"));
  CHECK_FALSE(shown.HasMember("endpoints"));  // state.endpoints is not allowed
  Peer deaf(stage.daemon.socket_path(), stranger);
  CHECK(rule_in(deaf.ask("subscribe")) == "deaf");
  CHECK(rule_in(deaf.ask("subscribe", R"({"since":")" + begin + "\"}")) == "deaf");
  CHECK(deaf.silent());
}

TEST_CASE("a rule bounds the connections and the requests of each user") {
  if (needs_root()) return;
  Stage stage(R"(    mode: "0666"
access:
  - {name: admins, users: [root], methods: [read, control, admin]}
  - {name: few, methods: [ping], connections: 2, commands_per_second: 5}
)");
  const std::string path = stage.daemon.socket_path();
  auto first = std::make_unique<Peer>(path, reader);
  Peer second(path, reader);
  CHECK(first->code("ping") == 0);
  CHECK(second.code("ping") == 0);
  Peer third(path, reader);
  const Json refusal = third.next();
  CHECK(code_in(refusal) == too_much);
  CHECK(rule_in(refusal) == "few");
  CHECK(refusal["error"]["data"]["limit"].GetInt() == 2);
  Peer somebody_else(path, stranger);
  CHECK(somebody_else.code("ping") == 0);
  first.reset();
  std::unique_ptr<Peer> again;
  for (int i = 0; i < 100 && !again; ++i) {
    again = std::make_unique<Peer>(path, reader);
    if (again->silent()) break;
    again.reset();
  }
  REQUIRE(again);
  // Over all its connections, and within batches.
  std::string batch = R"({"jsonrpc":"2.0","id":1,"method":"ping"})";
  for (int i = 0; i < 20; ++i) batch += R"(,{"jsonrpc":"2.0","id":1,"method":"ping"})";
  second.send("[" + batch + "]");
  int passed = 0;
  const Json answers = second.next();
  for (const auto& answer : answers.GetArray()) {
    passed += code_in(answer) == 0 ? 1 : 0;
    if (code_in(answer) != 0) CHECK(rule_in(answer) == "few");
  }
  CHECK(passed <= 6);
  CHECK(again->code("ping") == too_much);
  CHECK(somebody_else.code("ping") == 0);
  std::this_thread::sleep_for(std::chrono::milliseconds(400));
  CHECK(again->code("ping") == 0);
}

TEST_CASE("what changes something is logged with who did it and how it ended, without what was said") {
  if (needs_root()) return;
  Stage stage(std::string(rules) + "logging: {level: error}\n");
  Peer peer(stage.daemon.socket_path(), operator_by_group);
  REQUIRE(peer.code(
              "originate",
              R"({"endpoint":"Local/answer@default","channelId":"c1","variables":{"PIN":"hunter2"}})") == 0);
  CHECK(
      works_soon(peer, "channels.setChannelVar", R"({"channelId":"c1","variable":"PIN","value":"hunter2"})"));
  peer.code("channels.getChannelVar", R"j({"channelId":"c1","variable":"SHELL(echo hunter2)"})j");
  peer.code("channels.setChannelVar", R"j({"channelId":"c1","variable":"SHELL(echo hunter2)","value":"x"})j");
  const Json bridge = peer.ask("bridges.create", R"({"name":"the lobby"})");
  peer.code("endpoints.sendMessage", R"({"to":"pjsip:x\nforged line","from":"y","body":"hunter2"})");
  peer.code("channels.list");
  peer.code("endpoints.sendMessage", R"({"to":"pjsip:x","from":"y","body":"hunter2"})");
  Peer by_reader(stage.daemon.socket_path(), reader);
  by_reader.code("asterisk.unloadModule", R"({"moduleName":"res_ari.so"})");
  Peer admin(stage.daemon.socket_path(), root);
  admin.code(
      "ari.request",
      R"({"method":"POST","path":"/asterisk/variable","query":{"variable":"A","value":"hunter2"},"body":{"a":"hunter2"}})");
  stage.asterisk.fault("DELETE /ari/channels/c1*", R"("drop":"after")");
  peer.code("hangup", R"({"channelId":"c1"})");
  const std::string log = stage.daemon.log();
  INFO(log);
  CHECK_THAT(log, ContainsSubstring(" uid=4001 ") &&
                      ContainsSubstring(" rule=control method=originate server=pbx1 "
                                        "endpoint=Local/answer@default channelId=c1 outcome=done ms="));
  CHECK_THAT(log, ContainsSubstring(
                      "method=channels.setChannelVar server=pbx1 channelId=c1 variable=PIN outcome=done"));
  CHECK_THAT(log,
             ContainsSubstring(
                 "method=channels.setChannelVar channelId=c1 variable=SHELL outcome=refused code=-32003"));
  CHECK_THAT(log, ContainsSubstring("method=bridges.create server=pbx1 bridgeId=" +
                                    std::string(find_string(bridge["result"], "id")) +
                                    R"( name="the lobby" outcome=done)"));
  CHECK_THAT(log, ContainsSubstring(" program=access_tests"));
  CHECK_THAT(log, ContainsSubstring(R"(to="pjsip:x\nforged line" outcome=refused code=-32000)"));
  CHECK_THAT(
      log,
      ContainsSubstring("uid=4003 ") &&
          ContainsSubstring(
              "rule=reading method=asterisk.unloadModule moduleName=res_ari.so outcome=refused code=-32003"));
  CHECK_THAT(log, ContainsSubstring(
                      "method=ari.request server=pbx1 http=POST path=/asterisk/variable outcome=done"));
  CHECK_THAT(log, ContainsSubstring("method=hangup server=pbx1 channelId=c1 outcome=unknown code=-32002"));
  CHECK_THAT(log, !ContainsSubstring("hunter2"));
  CHECK_THAT(log, !ContainsSubstring("channels.list"));
}

TEST_CASE("the audit can be left out") {
  Stage stage("logging: {audit: false}\n");
  Program program(stage.daemon.connect());
  program.call("bridges.create");
  CHECK_THAT(stage.daemon.log(), !ContainsSubstring("audit"));
}
