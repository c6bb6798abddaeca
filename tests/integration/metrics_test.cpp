// What monitoring sees over HTTP.
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <thread>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include "base/fd.h"
#include "tests/catch.h"
#include "tests/support/program.h"
#include "tests/support/simulator.h"
#include "tests/support/soon.h"

using namespace aribus;
using namespace aribus::test;

namespace {

const std::string on_a_socket = "metrics:\n  path: " + Daemon::own_path("metrics.sock") + "\n";

std::string directory_of(const Daemon& daemon) {
  return daemon.socket_path().substr(0, daemon.socket_path().rfind('/') + 1);
}
std::string metrics_socket(const Daemon& daemon) {
  return directory_of(daemon) + "metrics.sock";
}

// The answer to GET `path`, with its status in a line of its own in front.
std::string get(const Daemon& daemon, const std::string& path) {
  return run({"curl", "-sS", "-m", "30", "--unix-socket", metrics_socket(daemon), "-w", "\n%{http_code}",
              "http://localhost" + path});
}

// Figures by their name and labels, as Prometheus writes them.
class Figures {
 public:
  explicit Figures(const std::string& text) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      if (line.empty() || line.starts_with("#")) continue;
      const size_t space = line.rfind(' ');
      if (space == std::string::npos) continue;  // curl's status
      figures_[line.substr(0, space)] = std::stod(line.substr(space + 1));
      names_.insert(line.substr(0, line.find_first_of("{ ")));
    }
  }
  static Figures of(const Daemon& daemon) { return Figures(get(daemon, "/metrics")); }

  // -1 when there is none.
  [[nodiscard]] double operator[](const std::string& figure) const {
    const auto at = figures_.find(figure);
    return at == figures_.end() ? -1 : at->second;
  }
  [[nodiscard]] const std::set<std::string>& names() const { return names_; }

 private:
  std::map<std::string, double> figures_;
  std::set<std::string> names_;
};

std::set<std::string> metric_names_in(const std::string& text) {
  std::set<std::string> names;
  const std::regex name(R"(\b(?:aribus|process)_[a-z_]*[a-z]\b)");
  for (std::sregex_iterator at(text.begin(), text.end(), name), end; at != end; ++at) names.insert(at->str());
  return names;
}

Fd connected_to(const std::string& path) {
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return {};
  return socket;
}

// A port that other tests at the same time hardly take.
std::string port_of_this_process() {
  return std::to_string(27'000 + ::getpid() % 1000);
}

Fd connected_to_port(const std::string& port) {
  Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(std::stoi(port)));
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return {};
  return socket;
}

size_t lines_with(const std::string& text, const std::string& what) {
  std::istringstream lines(text);
  size_t count = 0;
  for (std::string line; std::getline(lines, line);) count += line.find(what) != std::string::npos ? 1 : 0;
  return count;
}

void send(const Fd& socket, const std::string& text) {
  static_cast<void>(::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
}

}  // namespace

TEST_CASE("what happens is counted, and shown to who asks") {
  const Simulator simulator;
  Daemon daemon({simulator.server()}, on_a_socket + "bus:\n  ring_bytes: 64KiB\n");
  daemon.wait_ready();
  const client::Connection stuck = [&] {
    client::Connection client = daemon.connect();
    REQUIRE(client.call("subscribe", "{}"));
    return client;
  }();
  const Figures before = Figures::of(daemon);
  CHECK(before[R"(aribus_server_connects_total{server="pbx1"})"] == 1);
  CHECK(before[R"(aribus_server_gaps_total{server="pbx1"})"] == 0);
  CHECK(before[R"(aribus_server_state{server="pbx1",state="ready"})"] == 1);
  CHECK(before[R"(aribus_server_state{server="pbx1",state="down"})"] == 0);
  CHECK(before["aribus_subscribers"] == 1);
  CHECK(before["aribus_lost_records_total"] == 0);
  CHECK(before["aribus_ring_bytes"] == 65536);
  CHECK(before["process_open_fds"] > 5);
  CHECK(before["process_open_fds"] < 50);
  CHECK(before["process_resident_memory_bytes"] > 1e6);

  Program program(daemon.connect(), R"({"types":["none"]})");
  simulator.control("POST", "calls", R"({"app":"demo","count":3000})");
  simulator.control("POST", "event?app=demo", R"({"type":"Odd","application":"demo"})");
  simulator.control("POST", "event?app=demo", R"({"type":"Odder","application":"demo"})");
  program.call("channels.list");
  program.call("channels.list");
  program.refused("channels.get", R"({"channelId":"nobody"})");
  program.refused("channels.get", "{}");
  program.refused("no.such", "{}");
  Figures after = Figures::of(daemon);
  REQUIRE(soon([&] {
    after = Figures::of(daemon);
    // The program that wants none of the records has passed them; the other one reads nothing.
    return after[R"(aribus_records_total{server="pbx1",type="other"})"] == 2 &&
           after[R"(aribus_subscribers_behind{records="1"})"] == 1;
  }));
  for (const char* type : {"StasisStart", "ChannelVarset", "StasisEnd", "ChannelDestroyed"}) {
    CHECK(after[R"(aribus_records_total{server="pbx1",type=")" + std::string(type) + "\"}"] == 3000);
  }
  CHECK(after[R"(aribus_server_messages_total{server="pbx1"})"] >= 12'002);
  CHECK(after[R"(aribus_commands_total{method="channels.list",outcome="done"})"] == 2);
  CHECK(after[R"(aribus_commands_total{method="channels.get",outcome="refused"})"] == 1);
  CHECK(after[R"(aribus_commands_total{method="channels.get",outcome="invalid"})"] == 1);
  CHECK(after[R"(aribus_commands_total{method="unknown",outcome="unknown_method"})"] == 1);
  CHECK(after[R"(aribus_command_seconds_count{method="channels.list"})"] == 2);
  CHECK(after[R"(aribus_command_seconds_bucket{method="channels.list",le="10"})"] == 2);
  CHECK(after[R"(aribus_command_seconds_sum{method="channels.list"})"] > 0);
  CHECK(after["aribus_connections"] == 2);
  CHECK(after["aribus_loop_turn_seconds_count"] > 10);
  // The one that reads nothing: its socket holds some, the ring has overtaken it.
  CHECK(after["aribus_subscriber_lag_records_max"] > 1);

  CHECK(after[R"(aribus_server_calls{server="pbx1"})"] == 0);
  CHECK(after[R"(aribus_server_calls_started_total{server="pbx1"})"] == 3000);
  CHECK(after[R"(aribus_server_calls_ended_total{server="pbx1",how="ended",complete="true"})"] == 3000);
  for (const char* rest : {R"(how="ended",complete="false")", R"(how="left",complete="true")",
                           R"(how="left",complete="false")"}) {
    CHECK(after[R"(aribus_server_calls_ended_total{server="pbx1",)" + std::string(rest) + "}"] == 0);
  }
  simulator.control("POST", "call", R"({"app":"demo","caller":"100"})");
  CHECK(soon([&] { return Figures::of(daemon)[R"(aribus_server_calls{server="pbx1"})"] == 1; }));

  // `status` says the same.
  const Json status = program.call("status");
  const Figures now = Figures::of(daemon);
  CHECK(static_cast<double>(status["behind_records"].GetUint64()) ==
        now["aribus_subscriber_lag_records_max"]);
  CHECK(static_cast<double>(status["lost_records"].GetUint64()) == now["aribus_lost_records_total"]);
  CHECK(status["servers"][0]["calls"].GetUint64() == 1);
  CHECK(static_cast<double>(status["bus"]["used_bytes"].GetUint64()) == now["aribus_ring_used_bytes"]);

  simulator.control("POST", "drop", R"({"mode":"rst"})");
  REQUIRE(soon([&] { return Figures::of(daemon)[R"(aribus_server_gaps_total{server="pbx1"})"] == 1; }));
  const Figures later = Figures::of(daemon);
  CHECK(later[R"(aribus_server_disconnects_total{server="pbx1"})"] == 1);
  CHECK(later[R"(aribus_server_failed_attempts_total{server="pbx1"})"] >= 1);
}

TEST_CASE("records that a subscriber loses are counted") {
  const Simulator simulator;
  Daemon daemon({simulator.server()}, on_a_socket + "bus:\n  ring_bytes: 64KiB\n");
  daemon.wait_ready();
  client::Connection slow = daemon.connect();
  REQUIRE(slow.call("subscribe", "{}"));
  simulator.control("POST", "calls", R"({"app":"demo","count":3000})");
  REQUIRE(
      soon([&] { return Figures::of(daemon)[R"(aribus_server_messages_total{server="pbx1"})"] >= 12'000; }));
  uint64_t lost = 0;
  for (;;) {
    const auto next = slow.next(std::chrono::milliseconds(300));
    if (!next || !*next) break;
    if ((*next)->method == "lost") lost += (*next)->params["records"].GetUint64();
  }
  CHECK(lost > 0);
  const Figures figures = Figures::of(daemon);
  CHECK(figures["aribus_lost_records_total"] == static_cast<double>(lost));
  CHECK(figures["aribus_losses_total"] >= 1);
  CHECK(figures["aribus_subscriber_lag_records_max"] == 0);
}

TEST_CASE("it is healthy while the loop turns, and ready while all is connected that should be") {
  auto simulator = std::make_unique<Simulator>();
  const Simulator second;
  Daemon daemon({simulator->server(), second.server("pbx2")}, on_a_socket);
  daemon.wait_ready();
  CHECK(get(daemon, "/healthz") == "the loop turns\n\n200");
  CHECK(get(daemon, "/readyz") == "ready\n\n200");
  CHECK(get(daemon, "/readyz?verbose") == "ready\n\n200");
  CHECK(get(daemon, "/").ends_with("\n404"));
  simulator.reset();
  REQUIRE(soon([&] { return get(daemon, "/readyz").ends_with("\n503"); }));
  const std::string missing = get(daemon, "/readyz");
  CHECK(missing.starts_with("pbx1: down: "));
  CHECK_THAT(missing, !ContainsSubstring("pbx2"));
  CHECK(get(daemon, "/healthz").ends_with("\n200"));
  const Figures figures = Figures::of(daemon);
  CHECK(figures[R"(aribus_server_state{server="pbx1",state="down"})"] == 1);
  CHECK(figures[R"(aribus_server_state{server="pbx1",state="ready"})"] == 0);
  CHECK(figures[R"(aribus_server_connected{server="pbx1"})"] == 0);
  CHECK(figures[R"(aribus_server_connected{server="pbx2"})"] == 1);
  CHECK(figures[R"(aribus_server_silence_seconds{server="pbx1"})"] == -1);

  // A loop that does not turn is not healthy.
  daemon.process().signal(SIGSTOP);
  CHECK_THROWS(
      run({"curl", "-sS", "-m", "1", "--unix-socket", metrics_socket(daemon), "http://localhost/healthz"}));
  daemon.process().signal(SIGCONT);
  CHECK(get(daemon, "/healthz").ends_with("\n200"));
  CHECK(daemon.stop() == 0);
  CHECK(::access(metrics_socket(daemon).c_str(), F_OK) != 0);
}

TEST_CASE("nobody listens for monitoring unless told to, and a reload can tell") {
  const Simulator simulator;
  Daemon daemon({simulator.server()});
  daemon.wait_ready();
  CHECK(::access(metrics_socket(daemon).c_str(), F_OK) != 0);
  const auto changed = [&](const std::string& more) {
    daemon.configure({simulator.server()}, more);
    const Json result = daemon.reload();
    return result["changed"].Size() == 1 && as_view(result["changed"][0]) == "metrics";
  };
  const std::string port = port_of_this_process();
  const auto by_port = [&] {
    return run({"curl", "-sS", "-m", "30", "http://127.0.0.1:" + port + "/healthz"});
  };
  CHECK(changed("metrics:\n  listen: 127.0.0.1:" + port + "\n"));
  CHECK(by_port() == "the loop turns\n");
  CHECK(changed(on_a_socket));
  CHECK_THROWS(by_port());
  CHECK(get(daemon, "/healthz").ends_with("\n200"));
  struct stat status {};
  REQUIRE(::stat(metrics_socket(daemon).c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0660);
  CHECK(changed(on_a_socket + "  mode: \"0600\"\n"));
  REQUIRE(::stat(metrics_socket(daemon).c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  CHECK(get(daemon, "/healthz").ends_with("\n200"));

  // Where it can't listen, all stays as it was.
  daemon.configure({simulator.server()}, "metrics:\n  path: /nonexistent/metrics.sock\n");
  Program program(daemon.connect());
  CHECK_FALSE(program.call("daemon.reload")["applied"].GetBool());
  CHECK(get(daemon, "/healthz").ends_with("\n200"));
  CHECK(changed(""));
  CHECK(::access(metrics_socket(daemon).c_str(), F_OK) != 0);
  CHECK(changed(on_a_socket));
  CHECK(get(daemon, "/readyz").ends_with("\n200"));
  CHECK(daemon.stop() == 0);
}

TEST_CASE("who misbehaves over HTTP disturbs nobody") {
  const Simulator simulator;
  Daemon daemon({simulator.server()}, on_a_socket);
  daemon.wait_ready();
  Program program(daemon.connect());
  const std::string path = metrics_socket(daemon);
  CHECK_THAT(run({"curl", "-sS", "-X", "POST", "-d", "x", "--unix-socket", path, "http://localhost/metrics"}),
             ContainsSubstring("GET is expected"));
  CHECK_THROWS_WITH(run({"curl", "-sS", "-i", "-H", "Upgrade: websocket", "-H", "Connection: Upgrade", "-H",
                         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "-H", "Sec-WebSocket-Version: 13",
                         "--unix-socket", path, "http://localhost/metrics"}),
                    ContainsSubstring("Empty reply"));
  std::vector<Fd> kept;
  for (int i = 0; i < 100; ++i) {  // more than there is room for: they are closed
    kept.push_back(connected_to(path));
    if (i % 4 == 1) send(kept.back(), "GET /metrics HTTP/1.1\r\nHost: x\r\n");  // and no end
    if (i % 4 == 2) send(kept.back(), std::string(20'000, 'x'));
    if (i % 4 == 3) send(kept.back(), "\x16\x03\x01\x02\x00\x01 nonsense\r\n\r\n");
  }
  for (int i = 0; i < 20; ++i) {
    const Fd hasty = connected_to(path);
    send(hasty, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  }
  for (int i = 0; i < 50; ++i) program.call("ping");
  simulator.control("POST", "call", R"({"app":"demo","caller":"100","exten":"demo","args":[]})");
  program.expect("StasisStart");
  kept.clear();
  REQUIRE(soon([&] {
    try {
      return get(daemon, "/healthz").ends_with("\n200");
    } catch (const std::exception&) {
      return false;
    }
  }));
  REQUIRE(soon([&] { return Figures::of(daemon)["process_open_fds"] < 40; }));
  CHECK(daemon.stop() == 0);
}

TEST_CASE("whoever asks for health is answered, however many connections others open, hold or flood") {
  const Simulator simulator;
  const std::string port = port_of_this_process();
  Daemon daemon({simulator.server()}, "metrics:\n  listen: 127.0.0.1:" + port + "\n");
  daemon.wait_ready();
  const auto is_healthy = [&] {
    return run({"curl", "-sS", "-m", "25", "http://127.0.0.1:" + port + "/healthz"}) == "the loop turns\n";
  };
  const auto connected = [&] { return connected_to_port(port); };

  std::vector<Fd> held;
  for (int i = 0; i < 300; ++i) {  // of which each has had an answer, and keeps its connection
    held.push_back(connected());
    send(held.back(), "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    if (i % 50 == 0) CHECK(is_healthy());
  }
  CHECK(is_healthy());
  for (int i = 0; i < 700; ++i) {  // silent, slow, or no HTTP at all
    held.push_back(connected());
    if (i % 3 == 1) send(held.back(), "GET /metrics HTTP/1.1\r\nHo");
    if (i % 3 == 2) send(held.back(), "\x16\x03\x01 nonsense");
    if (i % 100 == 0) CHECK(is_healthy());
  }
  CHECK(is_healthy());

  std::atomic<bool> over{false};
  std::atomic<int> opened{0};
  std::vector<std::thread> floods;
  for (int i = 0; i < 2; ++i) {
    floods.emplace_back([&, i] {
      while (!over) {
        const Fd one = connected();
        if (i == 1) send(one, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
        ++opened;
      }
    });
  }
  int healthy = 0;
  for (int i = 0; i < 5; ++i) {
    try {
      if (is_healthy()) ++healthy;
    } catch (const std::exception& error) {
      UNSCOPED_INFO(error.what());
    }
  }
  over = true;
  for (std::thread& flood : floods) flood.join();
  CHECK(healthy == 5);
  CHECK(opened > 100);
  CHECK(is_healthy());
  CHECK(lines_with(daemon.log(), "libwebsockets") < 20);
  CHECK(daemon.stop() == 0);
}

TEST_CASE("a connection that asks nothing more is closed after some seconds") {
  const Simulator simulator;
  Daemon daemon({simulator.server()}, on_a_socket);
  daemon.wait_ready();
  const Fd idle = connected_to(metrics_socket(daemon));
  const Fd silent = connected_to(metrics_socket(daemon));
  send(idle, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  for (const Fd* socket : {&idle, &silent}) {
    const timeval patience{40, 0};  // it is ten seconds, and was a minute
    ::setsockopt(socket->get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    char bytes[4096];
    ssize_t count = 0;
    while ((count = ::recv(socket->get(), bytes, sizeof bytes, 0)) > 0) {
    }
    CHECK((count == 0 || errno == ECONNRESET));
  }
  CHECK(daemon.stop() == 0);
}

TEST_CASE("no other protocol is gone on with over HTTP, and no page of elsewhere reads the figures") {
  const Simulator simulator;
  const std::string port = port_of_this_process();
  Daemon daemon({simulator.server()}, "metrics:\n  listen: 127.0.0.1:" + port + "\n");
  daemon.wait_ready();
  const auto status = [&](const std::vector<std::string>& more) {
    std::vector<std::string> curl{"curl", "-sS", "-m", "30", "-o", "/dev/null", "-w", "%{http_code}"};
    curl.insert(curl.end(), more.begin(), more.end());
    return run(curl);
  };
  const std::string health = "http://127.0.0.1:" + port + "/healthz";
  const auto upgrade = [&](const std::string& to, const std::string& path) {
    return status({"-H", "Connection: Upgrade, HTTP2-Settings", "-H", "Upgrade: " + to, "-H",
                   "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA", "http://127.0.0.1:" + port + path});
  };
  for (const char* to : {"h2c", "H2C"}) {
    INFO(to);
    CHECK(upgrade(to, "/healthz") == "200");
    CHECK(upgrade(to, "/metrics") == "200");
    CHECK(upgrade(to, "/nothing") == "404");
  }
  for (const char* to : {"h2c, foo", "foo, h2c", "h2", "TLS/1.0"}) {
    INFO(to);
    CHECK(upgrade(to, "/healthz") != "101");
  }
  const auto with_host = [&](const std::string& host) { return status({"-H", "Host: " + host, health}); };
  char machine[256] = "";
  ::gethostname(machine, sizeof machine - 1);
  for (const std::string& host :
       {std::string("127.0.0.1:" + port), std::string("localhost"), std::string("LOCALHOST:1"),
        std::string("localhost."), std::string("10.1.2.3"), std::string("[::1]:" + port),
        std::string("[2001:db8::1]"), std::string(machine), std::string(machine) + ":" + port}) {
    INFO(host);
    CHECK(with_host(host) == "200");
  }
  for (const char* host :
       {"evil.example", "evil.example:9464", "localhost.evil.example", "127.0.0.1.evil.example", "1.evil",
        "[::1].evil", "xlocalhost", "127.0.0.1:1:2", "localhost,evil.example"}) {
    INFO(host);
    CHECK(with_host(host) == "421");
  }
  CHECK_THAT(run({"curl", "-sS", "-H", "Host: evil.example", "http://127.0.0.1:" + port + "/metrics"}),
             ContainsSubstring("host") && !ContainsSubstring("aribus_"));
  CHECK(status({"--http1.0", "-H", "Host:", health}) == "200");  // none: no browser does that
  CHECK(daemon.stop() == 0);
}

TEST_CASE(
    "every metric that the dashboard, the alerts and the documentation name is there, and all are "
    "documented") {
  const Simulator simulator;
  Daemon daemon({simulator.server()}, on_a_socket + "groups:\n  - {name: ivr, apps: [demo]}\n");
  daemon.wait_ready();
  Program program(daemon.connect());
  program.call("channels.list");
  const std::set<std::string> names = Figures::of(daemon).names();
  const std::string source = ARIBUS_SOURCE_DIR "/";
  const std::string documentation = read_file(source + "docs/operations.md");
  for (const std::string file :
       {"config/grafana-dashboard.json", "config/alerts.yaml", "docs/operations.md"}) {
    for (const std::string& name : metric_names_in(read_file(source + file))) {
      INFO(file << ": " << name);
      CHECK((names.contains(name) || names.contains(name + "_bucket")));
    }
  }
  for (std::string name : names) {
    INFO(name);
    for (const std::string suffix : {"_bucket", "_sum", "_count"}) {
      if (name.ends_with(suffix)) name.resize(name.size() - suffix.size());
    }
    CHECK_THAT(documentation, ContainsSubstring("| `" + name + "` |"));
  }
  CHECK(parse_json(read_file(source + "config/grafana-dashboard.json")).ok());
}

TEST_CASE("the alert rules are whole, and each is documented") {
  const std::string source = ARIBUS_SOURCE_DIR "/";
  const std::string documentation = read_file(source + "docs/operations.md");
  const YAML::Node file = YAML::LoadFile(source + "config/alerts.yaml");
  REQUIRE(file["groups"].size() == 1);
  const YAML::Node rules = file["groups"][0]["rules"];
  CHECK(rules.size() >= 10);
  for (const YAML::Node& rule : rules) {
    const auto name = rule["alert"].as<std::string>();
    INFO(name);
    const auto expression = rule["expr"].as<std::string>();
    CHECK(std::ranges::count(expression, '(') == std::ranges::count(expression, ')'));
    CHECK(std::ranges::count(expression, '{') == std::ranges::count(expression, '}'));
    CHECK((!metric_names_in(expression).empty() || expression.starts_with("up{")));
    const std::set<std::string> severities{"critical", "warning", "info"};
    CHECK(severities.contains(rule["labels"]["severity"].as<std::string>()));
    CHECK_FALSE(rule["annotations"]["summary"].as<std::string>().empty());
    CHECK_THAT(documentation, ContainsSubstring("| `" + name + "` |"));
  }
}

TEST_CASE(
    "the alert on slow commands sees operations and shortcuts, and nothing that only reads of the daemon") {
  const YAML::Node file = YAML::LoadFile(ARIBUS_SOURCE_DIR "/config/alerts.yaml");
  std::string expression;
  for (const YAML::Node& rule : file["groups"][0]["rules"]) {
    if (rule["alert"].as<std::string>() == "AribusCommandsSlow") expression = rule["expr"].as<std::string>();
  }
  std::smatch methods;
  REQUIRE(std::regex_search(expression, methods, std::regex(R"re(method=~"([^"]*)")re")));
  // Prometheus reads a string in double quotes, with its escapes, and matches the whole of a label.
  const std::regex sees(std::regex_replace(methods[1].str(), std::regex(R"(\\\\)"), "\\"));
  for (const char* method :
       {"channels.hangup", "bridges.create", "bridge", "hangup", "originate", "play", "record", "transfer"})
    CHECK(std::regex_match(method, sees));
  for (const char* method : {"ping", "status", "state.channels", "subscribe", "daemon.clients"})
    CHECK_FALSE(std::regex_match(method, sees));
}

TEST_CASE("how long a program waited for an end is not counted as time until the answer") {
  const Simulator simulator;
  Daemon daemon({simulator.server()}, on_a_socket);
  daemon.wait_ready();
  Program program(daemon.connect());
  program.call("originate", R"({"endpoint":"Local/answer@default","channelId":"c1","wait":"answer"})");
  program.call("hangup", R"({"channelId":"c1"})");
  const Figures figures = Figures::of(daemon);
  CHECK(figures[R"(aribus_commands_total{method="originate",outcome="done"})"] == 1);
  CHECK(figures[R"(aribus_command_seconds_count{method="originate"})"] == 0);
  CHECK(figures[R"(aribus_command_seconds_count{method="hangup"})"] == 1);
}
