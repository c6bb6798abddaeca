// https and wss: socat stands before the simulator and speaks TLS.
#include <unistd.h>

#include "base/base64.h"
#include "net/websocket.h"
#include "tests/catch.h"
#include "tests/support/program.h"
#include "tests/support/simulator.h"
#include "tests/support/soon.h"

using namespace aribus::test;

namespace {

// A certificate for `name`, signed by itself.
struct Certificate {
  explicit Certificate(const std::string& name) : file(directory / "cert.pem"), key(directory / "key.pem") {
    run({"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=" + name,
         "-addext", "subjectAltName=" + name_type(name) + ":" + name, "-keyout", key, "-out", file});
  }
  static std::string name_type(const std::string& name) { return name.find("127.") == 0 ? "IP" : "DNS"; }

  TemporaryDirectory directory;
  std::string file;
  std::string key;
};

// A simulator behind TLS.
struct TlsStage {
  explicit TlsStage(const std::string& certified_name) : certificate(certified_name) {
    static int port = 28000 + static_cast<int>(::getpid() % 2000) * 2;
    address = std::to_string(++port);
    tunnel = std::make_unique<Process>(
        std::vector<std::string>{"socat", "-d", "-d",
                                 "OPENSSL-LISTEN:" + address +
                                     ",bind=127.0.0.1,reuseaddr,fork,verify=0,cert=" + certificate.file +
                                     ",key=" + certificate.key,
                                 "TCP:" + simulator.authority()},
        certificate.directory / "socat.log");
    REQUIRE(soon([&] {
      return read_file(certificate.directory / "socat.log").find("listening on") != std::string::npos;
    }));
  }
  Server server(const std::string& tls) const {
    Server server = simulator.server();
    server.url = "https://127.0.0.1:" + address;
    server.more = tls;
    return server;
  }
  // The reason for which the daemon does not get connected.
  static std::string reason(Daemon& daemon) {
    Program program(daemon.connect());
    std::string reason;
    static_cast<void>(soon([&] {
      reason = text_at(program.call("status")["servers"][0], "reason");
      return reason.find("ertificate") != std::string::npos;
    }));
    return reason;
  }

  Simulator simulator;
  Certificate certificate;
  std::string address;
  std::unique_ptr<Process> tunnel;
};

}  // namespace

TEST_CASE("TLS with the right authority connects, REST and WebSocket") {
  TlsStage stage("127.0.0.1");
  Daemon daemon({stage.server("    tls:\n      ca_file: " + stage.certificate.file + "\n")});
  daemon.wait_ready();
  Program program(daemon.connect());
  CHECK(text_at(program.call("asterisk.ping"), "ping") == "pong");
  stage.simulator.control("POST", "call", R"({"app":"demo","caller":"100","exten":"demo","args":[]})");
  program.expect("StasisStart");
}

TEST_CASE("bursts and large events come through TLS whole") {
  TlsStage stage("127.0.0.1");
  Daemon daemon({stage.server("    tls:\n      verify_peer: false\n      verify_host: false\n")});
  daemon.wait_ready();
  Program program(daemon.connect());
  const std::string large(1 << 20, 'x');
  stage.simulator.control("POST", "event", R"({"type":"Large","text":")" + large + "\"}");
  CHECK(text_at(program.expect("Large"), "text") == large);
  stage.simulator.control("POST", "calls", R"({"app":"demo","count":1000,"interval_ms":0})");
  stage.simulator.control("POST", "event", R"({"type":"Last"})");
  program.expect("Last");
  size_t ended = 0;
  for (const aribus::Json& record : program.records())
    ended += text_at(record, "type") == "ChannelDestroyed" ? 1 : 0;
  CHECK(ended == 1000);
}

TEST_CASE("TLS with an unknown authority is refused, unless the configuration says otherwise") {
  TlsStage stage("127.0.0.1");
  Daemon strict({stage.server("")});
  CHECK_THAT(TlsStage::reason(strict), ContainsSubstring("certificate"));
  Daemon lax({stage.server("    tls:\n      verify_peer: false\n      verify_host: false\n")});
  lax.wait_ready();
  CHECK_THAT(lax.log(), ContainsSubstring("TLS certificates are not fully verified"));
}

TEST_CASE("TLS with another host's certificate is refused, unless the configuration says otherwise") {
  TlsStage stage("pbx.example");
  const std::string ca = "    tls:\n      ca_file: " + stage.certificate.file + "\n";
  Daemon strict({stage.server(ca)});
  CHECK_THAT(TlsStage::reason(strict), ContainsSubstring("ertificate"));
  Daemon lax({stage.server(ca + "      verify_host: false\n")});
  lax.wait_ready();
}

// The daemon asks over REST first, where curl verifies; here the WebSocket stands alone.
TEST_CASE("the WebSocket verifies certificates by itself") {
  using namespace aribus;
  const auto outcome = [](const TlsStage& stage, const TlsOptions& tls) {
    aribus::Loop loop;
    const auto websocket = make_websocket(loop);
    std::string result = "nothing happened";
    aribus::Timer deadline(loop);
    deadline.once(std::chrono::seconds(30), [&] { loop.stop(); });
    WebSocketOptions options;
    options.url = parse_url("https://127.0.0.1:" + stage.address).value();
    options.target = "/ari/events?app=tls";
    options.authorization = "Basic " + aribus::base64("aribus:aribus-test-secret");
    options.subprotocol = "ari";
    options.tls = tls;
    websocket->connect(options, {[&] {
                                   result = "open";
                                   loop.stop();
                                 },
                                 [](std::string_view, size_t) {},
                                 [&](const WebSocketClosed& closed) {
                                   result = closed.reason;
                                   loop.stop();
                                 }});
    loop.run();
    websocket->close();
    return result;
  };
  const TlsStage own("127.0.0.1");
  CHECK(outcome(own, {own.certificate.file, true, true}) == "open");
  CHECK_THAT(outcome(own, {}), ContainsSubstring("no WebSocket"));
  CHECK(outcome(own, {"", false, false}) == "open");
  const TlsStage other("pbx.example");
  CHECK_THAT(outcome(other, {other.certificate.file, true, true}), ContainsSubstring("no WebSocket"));
  CHECK(outcome(other, {other.certificate.file, true, false}) == "open");
  CHECK(outcome(own, {"", false, true}) == "open");
  CHECK_THAT(outcome(other, {"", false, true}), ContainsSubstring("mismatch"));
  CHECK_THAT(outcome(own, {"/does/not/exist.pem", true, true}), ContainsSubstring("can't be read"));
}
