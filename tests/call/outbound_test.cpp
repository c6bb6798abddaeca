// The event stream the other way round: Asterisk (22.5 and later) connects to aribusd.
#include <algorithm>
#include <cstdlib>
#include <memory>

#include <unistd.h>

#include "tests/call/stage.h"
#include "tests/support/soon.h"

namespace aribus::test {
namespace {

constexpr const char* version = "22";

bool has_it() {
  const auto all = versions();
  return std::ranges::find(all, version) != all.end();
}

// What Asterisk is told to connect to, as long as this lives; with TLS when it is given a certificate.
class Outbound {
 public:
  Outbound(const Asterisk& asterisk, const std::string& app, const std::string& port,
           const std::string& certificate)
      : asterisk_(asterisk),
        ari_(asterisk.folder + "/etc/asterisk/ari.conf"),
        client_(asterisk.folder + "/etc/asterisk/websocket_client.conf"),
        ari_before_(read_file(ari_)) {
    std::string tls;
    if (!certificate.empty()) {
      write_file(asterisk.folder + "/etc/asterisk/aribusd.pem", certificate);
      tls = "tls_enabled=yes\nca_list_file=/etc/asterisk/aribusd.pem\n";
    }
    write_file(client_, "[aribusd]\ntype=websocket_client\nconnection_type=persistent\nuri=ws" +
                            std::string(certificate.empty() ? "" : "s") + "://127.0.0.1:" + port +
                            "/ari\nprotocols=ari\nusername=" + asterisk.username +
                            "\npassword=" + asterisk.password + "\nreconnect_interval=200\n" + tls);
    write_file(ari_, ari_before_ +
                         "\n[aribusd-events]\ntype=outbound_websocket\nwebsocket_client_id=aribusd\n" +
                         "apps=" + app + "\nlocal_ari_user=" + asterisk.username + "\nsubscribe_all=no\n");
    reload();
  }
  ~Outbound() {
    write_file(ari_, ari_before_);
    write_file(client_, "");
    try {
      reload();
    } catch (const std::exception& error) {
      WARN(error.what());  // Asterisk is gone
    }
  }
  Outbound(const Outbound&) = delete;
  Outbound& operator=(const Outbound&) = delete;

 private:
  void reload() const {
    asterisk_.cli("module reload res_websocket_client.so");
    asterisk_.cli("module reload res_ari.so");
  }

  const Asterisk& asterisk_;
  std::string ari_, client_, ari_before_;
};

// An aribusd that listens, and an Asterisk that connects to it.
struct Listening {
  explicit Listening(bool tls)
      : asterisk(Asterisk::running(version)),
        app(fresh_app()),
        port(std::to_string(26'000 + ::getpid() % 1000)),
        daemon({server(tls)}, "bus:\n  path: " + Daemon::own_path("bus.log") + "\n"),
        outbound(asterisk, app, port, tls ? read_file(directory / "cert.pem") : "") {
    daemon.wait_ready();
  }

  Server server(bool tls) const {
    Server server = asterisk.server(app);
    server.more = "    mode: outbound\n    listen:\n      port: " + port + "\n";
    if (!tls) return server;
    run({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
         directory / "key.pem", "-out", directory / "cert.pem"});
    server.more += "      tls:\n        certificate_file: " + (directory / "cert.pem") +
                   "\n        key_file: " + (directory / "key.pem") + "\n";
    return server;
  }
  // Waits for the state of the connection.
  bool gets(const std::string& state) const {
    client::Connection client = daemon.connect();
    return soon([&] { return text_at((*client.call("status"))["servers"][0], "state") == state; });
  }

  TemporaryDirectory directory;
  Asterisk asterisk;
  std::string app;
  std::string port;
  Daemon daemon;
  Outbound outbound;
};

// Asterisk sends itself `count` user events n1, n2, …, `rate` a second.
Process events(const Listening& stage, int count, int rate) {
  return Process(
      {"curl", "-fsS", "-X", "POST", "--rate", std::to_string(rate) + "/s", "-u",
       stage.asterisk.username + ":" + stage.asterisk.password,
       stage.asterisk.url + "/ari/events/user/n[1-" + std::to_string(count) + "]?application=" + stage.app},
      stage.directory / "curl.log");
}

// The numbers of the events that the stream tells of, up to the last.
std::vector<int> told(const Listening& stage, const std::string& stream, int last) {
  Program program(stage.daemon.connect(), R"({"since":")" + stream + R"(:0"})");
  program.expect("ChannelUserevent", [&](const JsonValue& record) {
    return text_at(record, "eventname") == "n" + std::to_string(last);
  });
  std::vector<int> numbers;
  for (const Json& record : program.records()) {
    const std::string type = text_at(record, "type");
    CHECK(type != "server.gap");
    CHECK(type != "server.replaced");
    if (type == "ChannelUserevent") numbers.push_back(std::atoi(text_at(record, "eventname").c_str() + 1));
  }
  return numbers;
}

}  // namespace

// ARIBUS_RESTARTS: how often.
TEST_CASE("an aribusd that Asterisk connects to is restarted under load, and nothing is lost or comes twice",
          "[call][outbound]") {
  if (!has_it()) return;
  const char* given = std::getenv("ARIBUS_RESTARTS");
  const int restarts = given == nullptr ? 2 : std::atoi(given);
  for (const bool tls : {false, true}) {
    DYNAMIC_SECTION((tls ? "over TLS" : "in the clear")) {
      Listening stage(tls);
      const std::string stream = text_at(*stage.daemon.connect().call("status"), "bus.stream");
      // Asterisk 22.10 may crash when much happens while such a WebSocket ends or begins.
      const int rate = tls ? 20 : 100;
      const int count = rate * restarts;
      Process load = events(stage, count, rate);
      for (int i = 0; i < restarts; ++i) {
        let_pass(std::chrono::milliseconds(100 + 173 * i % 400));  // events come meanwhile
        stage.daemon.restart();
        stage.daemon.wait_ready();
      }
      REQUIRE(load.wait(std::chrono::seconds(300)) == 0);
      const std::vector<int> numbers = told(stage, stream, count);
      CHECK(numbers.size() == static_cast<size_t>(count));
      CHECK(std::ranges::is_sorted(numbers));
      CHECK(std::ranges::adjacent_find(numbers) == numbers.end());
      CHECK_THAT(stage.daemon.log(), ContainsSubstring("continues after record"));
    }
  }
}

TEST_CASE("an application of an outbound WebSocket that another client takes is known to be taken",
          "[call][outbound]") {
  if (!has_it()) return;
  Listening stage(false);
  Program program(stage.daemon.connect());
  auto thief = std::make_unique<Daemon>(std::vector<Server>{stage.asterisk.server(stage.app)});
  thief->wait_ready();
  CHECK(text_at(program.expect("server.replaced"), "app") == stage.app);
  CHECK(stage.gets("replaced"));
  CHECK_THAT(program.refused("reclaim").message, ContainsSubstring("outbound WebSocket"));

  // Asterisk connects again as if nothing were.
  stage.daemon.restart();
  CHECK(stage.gets("replaced"));
  CHECK_THAT(stage.daemon.log(), ContainsSubstring("another client has taken over the application"));

  // The other one goes away, and Asterisk does not know the application any more.
  thief.reset();
  stage.daemon.restart();
  CHECK(stage.gets("replaced"));
}

}  // namespace aribus::test
