// The configuration, read anew while the daemon runs.
#include <algorithm>
#include <csignal>
#include <set>

#include <unistd.h>

#include "tests/catch.h"
#include "tests/support/program.h"
#include "tests/support/simulator.h"
#include "tests/support/soon.h"

using namespace aribus;
using namespace aribus::test;

namespace {

std::vector<std::string> texts(const JsonValue& list) {
  std::vector<std::string> texts;
  for (const auto& text : list.GetArray()) texts.emplace_back(as_view(text));
  return texts;
}

std::vector<std::string> types_of(const Program& program) {
  std::vector<std::string> types;
  for (const Json& record : program.records()) types.emplace_back(text_at(record, "type"));
  return types;
}

bool has(const std::vector<std::string>& texts, const std::string& text) {
  return std::ranges::find(texts, text) != texts.end();
}

std::string state_of(const Daemon& daemon, const std::string& name) {
  const Json status = daemon.connect().call("status").value();
  for (const auto& server : status["servers"].GetArray()) {
    if (as_view(server["name"]) == name) return text_at(server, "state");
  }
  return "absent";
}

void call(const Simulator& simulator, const std::string& app = "demo") {
  simulator.control("POST", "call", R"({"app":")" + app + R"(","caller":"100","exten":"demo","args":[]})");
}

}  // namespace

TEST_CASE("a faulty configuration changes nothing, and all its mistakes are told") {
  const Simulator simulator;
  Server server = simulator.server();
  Daemon daemon({server});
  daemon.wait_ready();
  Program program(daemon.connect());
  server.more = "    aps: [demo]\n    subscribe_all: perhaps\n";
  daemon.configure({server}, "bus:\n  ring_bytes: much\n");
  const Json result = program.call("daemon.reload");
  CHECK_FALSE(result["applied"].GetBool());
  const auto& mistakes = result["mistakes"];
  REQUIRE(mistakes.Size() == 3);
  CHECK(text_at(mistakes[0], "file").ends_with("/aribusd.yaml"));
  CHECK(mistakes[0]["line"].GetInt() == 7);
  CHECK(mistakes[0]["column"].GetInt() == 5);
  CHECK(text_at(mistakes[0], "key") == "asterisk[0].aps");
  CHECK_THAT(text_at(mistakes[0], "message"), ContainsSubstring("did you mean 'apps'?"));
  CHECK(text_at(mistakes[1], "key") == "asterisk[0].subscribe_all");
  CHECK(text_at(mistakes[2], "key") == "bus.ring_bytes");
  CHECK_THAT(daemon.log(), ContainsSubstring("nothing was changed"));
  CHECK_THAT(daemon.log(), ContainsSubstring("aribusd.yaml:7:5: asterisk[0].aps: no such key"));
  CHECK(state_of(daemon, "pbx1") == "ready");

  daemon.process().signal(SIGHUP);
  CHECK(soon([&] {
    const std::string log = daemon.log();
    return log.find("nothing was changed") != log.rfind("nothing was changed");
  }));
}

TEST_CASE("SIGHUP applies what was changed") {
  const Simulator simulator;
  Daemon daemon({simulator.server()});
  daemon.wait_ready();
  daemon.configure({simulator.server()}, "logging:\n  level: trace\n");
  daemon.process().signal(SIGHUP);
  CHECK(soon([&] { return daemon.log().find("reloaded: logging.level: trace") != std::string::npos; }));
  daemon.process().signal(SIGHUP);
  CHECK(soon([&] { return daemon.log().find("the configuration is as it was") != std::string::npos; }));
}

TEST_CASE("limits and sockets are changed under a program that stays connected") {
  const Simulator simulator;
  Daemon daemon({simulator.server()});
  daemon.wait_ready();
  Program program(daemon.connect());
  const std::string config = "  - path: " + Daemon::own_path("second.sock") +
                             "\n    mode: \"0600\"\nlimits:\n  batch: 2\nbus:\n  ring_bytes: 1MiB\n";
  daemon.configure({simulator.server()}, config);
  const Json result = daemon.reload();
  CHECK(texts(result["changed"]) == std::vector<std::string>{"sockets", "limits"});
  CHECK(texts(result["restart"]) == std::vector<std::string>{"bus.ring_bytes"});
  CHECK_THAT(daemon.log(), ContainsSubstring("reloaded, but for bus.ring_bytes: restart aribusd"));
  const std::string second = daemon.socket_path().substr(0, daemon.socket_path().rfind('/')) + "/second.sock";
  CHECK(client::Connection::connect(second).ok());

  // What is to be the last socket's mode can be changed, and a socket can go.
  call(simulator);
  program.expect("StasisStart");
  CHECK(texts(daemon.reload()["restart"]) == std::vector<std::string>{"bus.ring_bytes"});
  daemon.configure({simulator.server()});
  CHECK(texts(daemon.reload()["changed"]) == std::vector<std::string>{"sockets", "limits"});
  CHECK(::access(second.c_str(), F_OK) != 0);
  CHECK_FALSE(client::Connection::connect(second).ok());
  call(simulator);
  program.expect("StasisStart");
}

TEST_CASE("the socket for WebSockets comes and goes") {
  const Simulator simulator;
  Daemon daemon({simulator.server()});
  daemon.wait_ready();
  const std::string folder = daemon.socket_path().substr(0, daemon.socket_path().rfind('/'));
  const auto exists = [&](const std::string& name) {
    return ::access((folder + "/" + name).c_str(), F_OK) == 0;
  };
  const auto configure = [&](const std::string& web) {
    daemon.configure({simulator.server()}, web.empty() ? "" : "web:\n  path: " + web + "\n");
  };
  configure(Daemon::own_path("web.sock"));
  CHECK(texts(daemon.reload()["changed"]) == std::vector<std::string>{"web"});
  CHECK(exists("web.sock"));
  configure("/nonexistent/web.sock");
  Program program(daemon.connect());
  const Json result = program.call("daemon.reload");
  CHECK_FALSE(result["applied"].GetBool());
  CHECK_THAT(text_at(result, "reason"), ContainsSubstring("/nonexistent/web.sock: No such file"));
  CHECK(exists("web.sock"));
  configure(Daemon::own_path("other.sock"));
  CHECK(texts(daemon.reload()["changed"]) == std::vector<std::string>{"web"});
  CHECK(exists("other.sock"));
  CHECK_FALSE(exists("web.sock"));
  configure("");
  CHECK(texts(daemon.reload()["changed"]) == std::vector<std::string>{"web"});
  CHECK_FALSE(exists("other.sock"));
}

TEST_CASE("a socket that can't be opened leaves everything as it was") {
  const Simulator simulator;
  Daemon daemon({simulator.server()});
  daemon.wait_ready();
  daemon.configure({simulator.server()}, "  - path: " + Daemon::own_path("new.sock") +
                                             "\n  - path: /nonexistent/aribus.sock\n" +
                                             "limits:\n  batch: 2\n");
  Program program(daemon.connect());
  const Json result = program.call("daemon.reload");
  CHECK_FALSE(result["applied"].GetBool());
  CHECK_THAT(text_at(result, "reason"), ContainsSubstring("/nonexistent/aribus.sock: No such file"));
  CHECK(::access((daemon.socket_path().substr(0, daemon.socket_path().rfind('/')) + "/new.sock").c_str(),
                 F_OK) != 0);
  daemon.configure({simulator.server()});
  CHECK(texts(daemon.reload()["changed"]).empty());
}

TEST_CASE("a socket that can't be opened takes none of another section away") {
  const Simulator simulator;
  const std::string web = "web:\n  path: " + Daemon::own_path("web.sock") + "\n";
  const std::string metrics = "metrics:\n  path: " + Daemon::own_path("metrics.sock") + "\n";
  Daemon daemon({simulator.server()}, web + metrics);
  daemon.wait_ready();
  const std::string folder = daemon.socket_path().substr(0, daemon.socket_path().rfind('/'));
  const auto exists = [&](const std::string& name) {
    return ::access((folder + "/" + name).c_str(), F_OK) == 0;
  };
  daemon.configure({simulator.server()},
                   "  - path: /nonexistent/aribus.sock\nweb:\n  path: " + Daemon::own_path("other.sock") +
                       "\nmetrics:\n  path: " + Daemon::own_path("others.sock") + "\n");
  Program program(daemon.connect());
  const Json result = program.call("daemon.reload");
  CHECK_THAT(text_at(result, "reason"), ContainsSubstring("/nonexistent/aribus.sock: No such file"));
  CHECK(exists("web.sock"));
  CHECK(exists("metrics.sock"));
  CHECK_FALSE(exists("other.sock"));
  CHECK_FALSE(exists("others.sock"));
  // It was not opened again either, which would lose who waits to be accepted.
  const std::string log = daemon.log();
  const std::string opened = "listening on " + folder + "/web.sock";
  CHECK(log.find(opened) != std::string::npos);
  CHECK(log.find(opened) == log.rfind(opened));
}

TEST_CASE("a path that moves to another section is refused with the way to do it") {
  const Simulator simulator;
  const std::string path = Daemon::own_path("second.sock");
  Daemon daemon({simulator.server()}, "  - path: " + path + "\n");
  daemon.wait_ready();
  daemon.configure({simulator.server()}, "web:\n  path: " + path + "\n");
  Program program(daemon.connect());
  CHECK_THAT(text_at(program.call("daemon.reload"), "reason"),
             ContainsSubstring("web.path: this aribusd itself listens on ") &&
                 ContainsSubstring("second.sock, as sockets[1].path"));
  daemon.configure({simulator.server()});
  daemon.reload();
  daemon.configure({simulator.server()}, "web:\n  path: " + path + "\n");
  CHECK(texts(daemon.reload()["changed"]) == std::vector<std::string>{"web"});
}

TEST_CASE("an Asterisk is added and taken out, and others don't feel it") {
  const Simulator first;
  const Simulator second;
  Daemon daemon({first.server()});
  daemon.wait_ready();
  Program program(daemon.connect());
  call(first);
  const std::string there = text_at(program.expect("StasisStart"), "channel.id");

  daemon.configure({first.server(), second.server("pbx2")});
  CHECK(texts(daemon.reload()["changed"]) == std::vector<std::string>{"asterisk pbx2: added"});
  const auto is_second = [](const JsonValue& record) { return text_at(record, "server") == "pbx2"; };
  program.expect("server.connected", is_second);
  program.expect("server.resynced", is_second);
  const std::string other = "other";
  program.call("originate", R"({"endpoint":"Local/answer@default","channelId":"other","server":"pbx2"})");
  program.expect_about("StasisStart", other);
  // Each id leads to its Asterisk, also one that was known before there were two.
  CHECK(text_at(program.call("channels.get", R"({"channelId":")" + there + "\"}"), "id") == there);
  CHECK(text_at(program.call("channels.get", R"({"channelId":")" + other + "\"}"), "id") == other);
  CHECK(program.call("state.channels")["channels"].Size() == 3);  // a Local channel has two halves

  daemon.configure({first.server()});
  CHECK(texts(daemon.reload()["changed"]) == std::vector<std::string>{"asterisk pbx2: removed"});
  CHECK(text_at(program.expect("server.disconnected", is_second), "reason") ==
        "it was taken out of the configuration");
  CHECK(about(program.expect("state.gone", is_second), "channels", other));
  program.expect("server.removed", is_second);
  CHECK(program.call("state.channels")["channels"].Size() == 1);
  CHECK(program.refused("channels.list", R"({"server":"pbx2"})").kind == ErrorKind::invalid_params);
  CHECK(text_at(program.call("hangup", R"({"channelId":")" + there + "\"}"), "").empty());
  program.expect("StasisEnd");
  for (const Json& record : program.records()) {
    if (!is_second(record)) CHECK_FALSE(text_at(record, "type").starts_with("server."));
  }
  CHECK(second.count_requests("DELETE /ari/applications/demo/subscription?eventSource=deviceState%3A") == 1);

  // And again, at once.
  daemon.configure({first.server(), second.server("pbx2")});
  daemon.reload();
  daemon.configure({first.server()});
  daemon.reload();
  daemon.configure({first.server(), second.server("pbx2")});
  daemon.reload();
  daemon.wait_ready();
  CHECK(state_of(daemon, "pbx2") == "ready");
}

TEST_CASE("applications come and go without an event being missed, repeated or out of order") {
  const Simulator simulator;
  Daemon daemon({simulator.server()});
  daemon.wait_ready();
  Program program(daemon.connect());
  Program watcher(daemon.connect());
  constexpr int calls = 1500;
  simulator.control("POST", "calls", R"({"app":"demo","count":1500,"interval_ms":1})");
  std::set<std::string> apps{"demo"};
  for (int i = 0; i < 6; ++i) {
    Server server = simulator.server();
    for (int app = 0; app < i % 3; ++app) server.apps.push_back("more" + std::to_string(app));
    daemon.configure({server});
    daemon.reload();
    if (i > 0) watcher.expect("server.connected");
    if (i > 0) let_pass(std::chrono::milliseconds(100));  // calls come meanwhile
  }
  std::vector<std::string> started;
  for (int i = 0; i < calls; ++i) {
    const Json start = program.expect("StasisStart");
    started.push_back(text_at(start, "channel.id"));
    program.expect_about("ChannelDestroyed", started.back());
  }
  CHECK(std::set<std::string>(started.begin(), started.end()).size() == calls);
  CHECK(std::ranges::is_sorted(started, {},
                               [](const std::string& id) { return std::stod(id.substr(id.find('.') + 1)); }));
  for (int i = 0; i < 5; ++i) program.expect("server.connected");
  const auto types = types_of(program);
  CHECK_FALSE(has(types, "server.disconnected"));
  CHECK_FALSE(has(types, "server.gap"));
  CHECK_FALSE(has(types, "server.replaced"));
  CHECK_FALSE(has(types, "ApplicationReplaced"));
  daemon.wait_ready();

  call(simulator, "more1");
  CHECK(text_at(program.expect("StasisStart"), "app") == "more1");
  CHECK(daemon.stop() == 0);
}

TEST_CASE("commands under way are answered by the connection that they went over") {
  const Simulator simulator;
  Server server = simulator.server();
  Daemon daemon({server});
  daemon.wait_ready();
  Program program(daemon.connect());
  simulator.fault("GET /ari/asterisk/ping*", R"("delay_ms":1000)");
  const auto under_way = program.client().send("asterisk.ping");
  program.call("ping");
  server.subscribe_all = true;
  daemon.configure({server});
  CHECK(texts(daemon.reload()["changed"]) == std::vector<std::string>{"asterisk pbx1: reconnecting"});
  program.expect("server.connected");
  program.expect("server.resynced");
  CHECK(text_at(program.client().wait(*under_way).value(), "ping") == "pong");
}

TEST_CASE("time-outs count at once, on the connection that stands") {
  const Simulator simulator;
  Server server = simulator.server();
  Daemon daemon({server});
  daemon.wait_ready();
  Program program(daemon.connect());
  server.more = "    request_timeout: 300ms\n    ping_interval: 1s\n    silence_timeout: 3s\n";
  daemon.configure({server});
  CHECK(texts(daemon.reload()["changed"]) == std::vector<std::string>{"asterisk pbx1: other time-outs"});
  simulator.fault("GET /ari/asterisk/ping*", R"("delay_ms":60000)");
  const Error late = program.refused("asterisk.ping");
  CHECK(late.kind == ErrorKind::outcome_unknown);
  CHECK(late.data == R"({"timeout_ms":300})");
  CHECK(simulator.count_requests("GET /ari/asterisk/info") == 1);
}

TEST_CASE("a password that is wrong ends the connection and says so; the right one brings it back") {
  const Simulator simulator;
  Server server = simulator.server();
  Daemon daemon({server});
  daemon.wait_ready();
  Program program(daemon.connect());
  server.password = "wrong";
  daemon.configure({server});
  daemon.reload();
  CHECK_THAT(text_at(program.expect("server.disconnected"), "reason"), ContainsSubstring("401"));
  CHECK(soon([&] { return state_of(daemon, "pbx1") == "down"; }));
  daemon.configure({simulator.server()});
  daemon.reload();
  program.expect("server.connected");
  program.expect("server.gap");
  program.expect("server.resynced");
  daemon.wait_ready();
}

TEST_CASE("a URL that leads to another Asterisk: what lived there has ended, and what lives here is told") {
  const Simulator first;
  let_pass(std::chrono::milliseconds(10));  // startup_time, in milliseconds, tells them apart
  const Simulator second;
  Daemon daemon({first.server()});
  daemon.wait_ready();
  Program program(daemon.connect());
  call(first);
  const std::string before = text_at(program.expect("StasisStart"), "channel.id");
  daemon.configure({second.server()});
  daemon.reload();
  program.expect("server.connected");
  program.expect_about("ChannelDestroyed", before);
  program.expect("server.resynced");
}

TEST_CASE("a daemon that is being reloaded stops as it should") {
  const Simulator first;
  const Simulator second;
  Daemon daemon({first.server(), second.server("pbx2")});
  daemon.wait_ready();
  Server changed = first.server();
  changed.subscribe_all = true;
  for (int i = 0; i < 3; ++i) {
    daemon.configure({changed});
    daemon.process().signal(SIGHUP);
    let_pass(std::chrono::milliseconds(10 * i));  // as far as it has got by then
    daemon.restart();                             // it must end with status 0
    daemon.configure({first.server(), second.server("pbx2")});
    daemon.reload();
    daemon.wait_ready();
  }
}

TEST_CASE("a password in a wrong place is neither logged nor answered, nor shown by --check-config") {
  const Simulator simulator;
  Daemon daemon({simulator.server()});
  daemon.wait_ready();
  Program program(daemon.connect());
  for (const char* line : {"password_env: hunter2", "password_file: hunter2", "password_credential: hunter2",
                           "pasword: hunter2", "user: hunter2", "url: http://h?api_key=u:hunter2",
                           "mode: hunter2", "tls: hunter2", "connect_timeout: hunter2",
                           "max_connections: hunter2", "apps: hunter2", "hunter2: x", "password: *hunter2"}) {
    Server wrong = simulator.server();
    wrong.more = "    " + std::string(line) + "\n";
    daemon.configure({wrong});
    const Json answer = program.call("daemon.reload");
    INFO(line << " " << to_text(answer));
    CHECK_FALSE(answer["applied"].GetBool());
    CHECK(to_text(answer).find("hunter2") == std::string::npos);
    const TemporaryDirectory directory;
    Process check({ARIBUSD, "--check-config", "--config", daemon.config_path()}, directory / "out");
    CHECK(check.wait(std::chrono::seconds(30)) == 2);
    const std::string said = read_file(directory / "out");
    CHECK_THAT(said, ContainsSubstring("aribusd: ") && !ContainsSubstring("hunter2"));
  }
  CHECK(daemon.log().find("hunter2") == std::string::npos);
}
