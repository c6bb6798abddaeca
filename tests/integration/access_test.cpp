// Who may do what: every method, as real users and groups.
#include <memory>
#include <set>

#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/catch.h"
#include "tests/support/program.h"
#include "tests/support/simulator.h"

using aribus::Json;
using aribus::JsonValue;
using aribus::parse_json;
using namespace aribus::test;

namespace {

// A user that needs no entry in /etc/passwd.
struct User {
  uid_t uid;
  gid_t gid;
  std::vector<gid_t> groups;
};
const User reader{64001, 64001, {64100}};
const User controller{64002, 64002, {7, 64100, 64200}};
const User chief{64003, 64300, {}};  // its primary group
const User stranger{64004, 64004, {}};

constexpr const char* rules = R"(access:
  - name: owner
    users: [root]
    methods: [read, control, admin]
    functions: ["*"]
  - name: chief
    groups: [64300]
    methods: [read, control, admin]
    functions: ["*"]
  - name: control
    groups: [64200]
    methods: [read, control]
    exclude_methods: [channels.hangup]
  - name: odd
    sockets: ["@DIRECTORY@/odd.sock"]
    methods: ["channels.*", hello]
    exclude_methods: ["*etChannelVar"]
  - name: reader
    users: [64001]
    methods: [read]
    exclude_types: [ChannelVarset]
    connections: 2
)";

struct Stage {
  Simulator simulator;
  Daemon daemon;

  explicit Stage(const std::string& access = rules)
      : daemon({simulator.server()},
               "    mode: \"0666\"\n  - path: \"@DIRECTORY@/odd.sock\"\n    mode: \"0666\"\n" + access) {
    daemon.wait_ready();
    // Others get at the sockets, and at the tool.
    ::chmod(folder().c_str(), 0711);
    run({"cp", ARIBUS, tool()});
  }
  [[nodiscard]] std::string folder() const {
    return daemon.socket_path().substr(0, daemon.socket_path().rfind('/'));
  }
  [[nodiscard]] std::string odd_socket() const { return folder() + "/odd.sock"; }
  [[nodiscard]] std::string tool() const { return folder() + "/aribus"; }
  // `aribus tail` of the reader.
  [[nodiscard]] std::unique_ptr<Process> tail(const std::string& output,
                                              const std::vector<std::string>& more = {}) const {
    std::vector<std::string> command{"setpriv", "--reuid",  "64001",
                                     "--regid", "64001",    "--clear-groups",
                                     tool(),    "--socket", daemon.socket_path(),
                                     "tail"};
    command.insert(command.end(), more.begin(), more.end());
    return std::make_unique<Process>(command, output);
  }

  // The answers to `lines`, sent over one connection by `user`: one each.
  std::vector<Json> as(const User& user, const std::vector<std::string>& lines,
                       std::string socket = "") const {
    if (socket.empty()) socket = daemon.socket_path();
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(ends[0]);
      const bool became = ::setgroups(user.groups.size(), user.groups.data()) == 0 &&
                          ::setgid(user.gid) == 0 && ::setuid(user.uid) == 0;
      auto client = aribus::client::Client::connect(socket);
      for (const std::string& line : lines) {
        std::string answer = "null\n";
        if (became && client) {
          const auto request = parse_json(line);
          const auto result =
              client->call(text_at(*request, "method"), aribus::to_text((*request)["params"]));
          answer = result ? R"({"result":)" + aribus::to_text(*result) + "}\n"
                          : R"({"error":)" + std::to_string(static_cast<int>(result.error().kind)) +
                                R"(,"data":)" + (result.error().data.empty() ? "{}" : result.error().data) +
                                "}\n";
        }
        if (::write(ends[1], answer.data(), answer.size()) < 0) break;
      }
      ::_exit(0);
    }
    ::close(ends[1]);
    std::string all;
    char buffer[65536];
    for (ssize_t count = 0; (count = ::read(ends[0], buffer, sizeof buffer)) > 0;) {
      all.append(buffer, static_cast<size_t>(count));
    }
    ::close(ends[0]);
    ::waitpid(child, nullptr, 0);
    std::vector<Json> answers;
    for (size_t at = 0; at < all.size();) {
      const size_t end = all.find('\n', at);
      auto parsed = parse_json(std::string_view(all).substr(at, end - at));
      REQUIRE(parsed);
      answers.push_back(std::move(*parsed));
      at = end + 1;
    }
    REQUIRE(answers.size() == lines.size());
    return answers;
  }
  static std::string line(const std::string& method, const std::string& params = "{}") {
    return R"({"method":")" + method + R"(","params":)" + params + "}";
  }
  static bool refused(const Json& answer) {
    return answer.HasMember("error") &&
           answer["error"].GetInt() == static_cast<int>(aribus::ErrorKind::not_allowed);
  }
};

bool is_root() {
  if (::geteuid() == 0) return true;
  WARN("only root can be other users");
  return false;
}

// What each rule allows, by its words in the documents, told apart without the daemon's own tables.
bool looks(const std::string& method, const JsonValue& description) {
  static const std::set<std::string> own{"hello",     "ping",        "status",
                                         "subscribe", "unsubscribe", "rpc.discover"};
  if (own.contains(method) || method.starts_with("state.")) return true;
  return aribus::find_string(description, "summary").starts_with("ARI's GET ") &&
         method != "asterisk.getObject";
}
bool harms(const std::string& method, const JsonValue& description) {
  static const std::set<std::string> known{"ari.request", "applications.filter", "reclaim",
                                           "asterisk.getObject", "daemon.reload"};
  return known.contains(method) || (method.starts_with("asterisk.") && !looks(method, description));
}

}  // namespace

TEST_CASE("every method is allowed to whom a rule allows it, and to nobody else") {
  if (!is_root()) return;
  const Stage stage;
  aribus::client::Client root = stage.daemon.connect();
  const auto described = root.call("rpc.discover");
  REQUIRE(described);
  const Json& discovered = *described;
  std::vector<std::string> names, lines;
  for (const JsonValue& method : discovered["methods"].GetArray()) {
    names.emplace_back(method["name"].GetString());
    // None of them is carried out: this parameter is nobody's. Rights are looked at first.
    lines.push_back(Stage::line(names.back(), R"({"no such parameter":1})"));
  }
  REQUIRE(names.size() > 100);
  const size_t requests = stage.simulator.count_requests("");
  const auto check = [&](const User& user, const std::string& socket, const char* rule, auto allowed) {
    const std::vector<Json> answers = stage.as(user, lines, socket);
    for (size_t i = 0; i < names.size(); ++i) {
      const JsonValue& description = discovered["methods"][static_cast<rapidjson::SizeType>(i)];
      CAPTURE(rule, names[i], aribus::to_text(answers[i]));
      CHECK(Stage::refused(answers[i]) == !allowed(names[i], description));
      if (Stage::refused(answers[i])) CHECK(text_at(answers[i], "data.rule") == rule);
    }
  };
  check(reader, "", "reader", looks);
  check(controller, "", "control", [](const std::string& method, const JsonValue& description) {
    return !harms(method, description) && method != "channels.hangup" && method != "hangup";
  });
  check(chief, "", "chief", [](const std::string&, const JsonValue&) { return true; });
  check(stranger, stage.odd_socket(), "odd", [](const std::string& method, const JsonValue&) {
    return method == "hello" || (method.starts_with("channels.") && !method.ends_with("etChannelVar"));
  });
  CHECK(stage.simulator.count_requests("") == requests);  // nothing of all that reached Asterisk
}

TEST_CASE("who is held by no rule may do nothing") {
  if (!is_root()) return;
  const Stage stage;
  const auto answers = stage.as(stranger, {Stage::line("ping")});
  CHECK(answers[0].IsObject());
  CHECK_FALSE(answers[0].HasMember("result"));
}

TEST_CASE("hello tells whom the daemon takes a program for, and its rule") {
  if (!is_root()) return;
  const Stage stage;
  const auto answers = stage.as(controller, {Stage::line("hello")});
  CHECK(text_at(answers[0], "result.rule") == "control");
  CHECK(answers[0]["result"]["peer"]["uid"].GetUint() == controller.uid);
  CHECK(answers[0]["result"]["peer"]["groups"].Size() == 3);
}

TEST_CASE("tricks get nobody further than the rule") {
  if (!is_root()) return;
  const Stage stage;
  const size_t requests = stage.simulator.count_requests("");
  const std::vector<std::string> tricks{
      Stage::line("ari.request", R"~({"method":"GET","path":"/ari/channels/../asterisk/modules"})~"),
      Stage::line("ari.request", R"~({"method":"POST","path":"/ari/%61sterisk/logging/x"})~"),
      Stage::line("asterisk.setGlobalVar", R"~({"variable":"X","value":"1"})~"),
      Stage::line("channels.setChannelVar", R"~({"channelId":"c1","variable":"SHELL(id)","value":"1"})~"),
      Stage::line("channels.setChannelVar", R"~({"channelId":"c1","variable":"shell(id)","value":"1"})~"),
      Stage::line("channels.getChannelVar", R"~({"channelId":"c1","variable":"FILE(/etc/passwd)"})~"),
      Stage::line("channels.getChannelVar", R"~({"channelId":"c1","variable":"CALLERID(${SHELL(id)})"})~"),
      Stage::line("channels.getChannelVar", R"~({"channelId":"c1","variable":"EVAL(${SHELL(id)})"})~"),
      Stage::line("channels.getChannelVar", R"~({"channelId":"c1","variable":" SHELL (id)"})~"),
      Stage::line("originate", R"~({"endpoint":"Local/x","variables":{"SHELL(id)":"1"}})~"),
      Stage::line("channels.originate",
                  R"~({"endpoint":"Local/x","app":"a","variables":{"variables":{"CURL(x)":"1"}}})~"),
      Stage::line("channels.create", R"~({"endpoint":"Local/x","app":"a","variables":{"DB(a/b)":"1"}})~"),
      Stage::line("channels.externalMedia",
                  R"~({"app":"a","external_host":"h:1","format":"slin","variables":{"SYSTEM(x)":"1"}})~"),
  };
  const auto answers = stage.as(controller, tricks);
  for (size_t i = 0; i < tricks.size(); ++i) {
    CAPTURE(tricks[i], aribus::to_text(answers[i]));
    CHECK(Stage::refused(answers[i]));
  }
  CHECK(stage.simulator.count_requests("") == requests);
  const auto named = stage.as(controller, {Stage::line("Channels.List"), Stage::line("channels.list ")});
  CHECK_FALSE(named[0].HasMember("result"));
  CHECK_FALSE(named[1].HasMember("result"));
  // What touches the call alone gets through: to Asterisk, which has no such channel.
  const auto fine =
      stage.as(controller,
               {Stage::line("channels.getChannelVar", R"~({"channelId":"c1","variable":"CALLERID(num)"})~")});
  CHECK_FALSE(Stage::refused(fine[0]));
}

TEST_CASE("what a rule keeps from a program it does not see, however it asks") {
  if (!is_root()) return;
  const Stage stage;
  Program program(stage.daemon.connect());
  stage.simulator.control("POST", "call", R"({"app":"demo","caller":"100"})");
  const std::string id = text_at(program.expect("StasisStart"), "channel.id");
  program.call("channels.setChannelVar", R"({"channelId":")" + id + R"(","variable":"X","value":"1"})");
  program.expect("ChannelVarset");
  const std::string stream = text_at(program.call("status"), "bus.stream");
  const TemporaryDirectory directory;
  const auto tail = stage.tail(directory / "seen", {"*", "--since", stream + ":0"});
  tail->wait(std::chrono::seconds(1));
  const std::string seen = read_file(directory / "seen");
  CHECK_THAT(seen, ContainsSubstring(R"("type":"StasisStart")"));
  CHECK_THAT(seen, !ContainsSubstring(R"("type":"ChannelVarset")"));
}

TEST_CASE("a user has no more connections than its rule allows") {
  if (!is_root()) return;
  const Stage stage;
  const TemporaryDirectory directory;
  const auto one = stage.tail(directory / "1"), two = stage.tail(directory / "2");
  for (int i = 0; i < 100; ++i) {
    if ((*stage.daemon.connect().call("status"))["subscribers"].GetUint64() >= 2) break;
    ::usleep(20'000);
  }
  const auto three = stage.tail(directory / "3");
  CHECK(three->wait(std::chrono::seconds(5)).value_or(0) != 0);
  CHECK(read_file(directory / "1").empty());
}

TEST_CASE("every command that changes something leaves its line in the log, without what is secret") {
  const Stage stage("");
  Program program(stage.daemon.connect());
  stage.simulator.control("POST", "call", R"({"app":"demo","caller":"100"})");
  const std::string id = text_at(program.expect("StasisStart"), "channel.id");
  program.call("channels.setChannelVar",
               R"({"channelId":")" + id + R"(","variable":"PIN","value":"s3cret"})");
  program.refused("channels.hangup", R"({"channelId":"nobody"})");
  program.call("channels.list");
  const std::string log = stage.daemon.log();
  CHECK_THAT(log, ContainsSubstring("method=channels.setChannelVar server=pbx1 channelId=" + id +
                                    " variable=PIN outcome=done"));
  CHECK_THAT(log, ContainsSubstring(
                      "method=channels.hangup server=pbx1 channelId=nobody outcome=refused code=-32000"));
  CHECK_THAT(log, ContainsSubstring("rule=owner") && !ContainsSubstring("s3cret") &&
                      !ContainsSubstring("method=channels.list"));
}
