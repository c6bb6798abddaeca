#include "config/aribusd/config.h"

#include <cstdlib>

#include "record/own_records.h"
#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::config;
using aribus::test::TempDir;

namespace {

constexpr std::string_view server = R"(asterisk:
  - url: http://pbx:8088
    username: aribus
    password: s3cret
    apps: [demo]
)";

Result<Config> load(const TempDir& directory, std::string_view text) {
  return load_config(directory.write("aribusd.yaml", text));
}
Config loaded(std::string_view text) {
  const TempDir directory;
  auto config = load(directory, text);
  INFO((config ? std::string() : config.error().message));
  REQUIRE(config.ok());
  return std::move(*config);
}

}  // namespace

TEST_CASE("the sample configuration can be used as it is, but for its password") {
  std::ifstream stream(std::string(ARIBUS_SOURCE_DIR) + "/config/aribusd.yaml");
  std::string text((std::istreambuf_iterator<char>(stream)), {});
  const TempDir directory;
  const std::string secret = directory.write("ari.secret", "s3cret\n");
  ::setenv("CREDENTIALS_DIRECTORY", secret.substr(0, secret.rfind('/')).c_str(), 1);
  // Users and groups that there are without the package.
  for (const auto& [ours, there] :
       {std::pair("root, aribus", "root, daemon"), std::pair("aribus-control", "operator"),
        std::pair("group: aribus-read", "group: daemon"),
        std::pair("groups: [aribus-read]", "groups: [daemon]")}) {
    const std::string name = ours;
    REQUIRE(text.find(name) != std::string::npos);
    text.replace(text.find(name), name.size(), there);
  }
  const Config config = loaded(text);
  ::unsetenv("CREDENTIALS_DIRECTORY");
  REQUIRE(config.asterisk.size() == 1);
  CHECK(config.asterisk[0].name == "pbx1");
  CHECK(config.asterisk[0].client.url == "http://127.0.0.1:8088");
  CHECK(config.asterisk[0].client.username == "aribus");
  CHECK(config.asterisk[0].client.password == "s3cret");
  CHECK(config.asterisk[0].client.apps == std::vector<std::string>{"aribus"});
  REQUIRE(config.sockets.size() == 1);
  CHECK(config.sockets[0].path == "/run/aribus/aribus.sock");
  CHECK(config.sockets[0].mode == 0660);
  CHECK(config.bus.ring_bytes == 64 << 20);
  CHECK(config.log_level == "info");
  REQUIRE(config.sessions.access.rules().size() == 3);
  CHECK(config.sessions.access.rules()[2]->methods == std::vector<std::string>{"read"});
  CHECK(config.warnings.empty());
}

TEST_CASE("what is left out has the documented default") {
  const Config config = loaded(server);
  CHECK(config.asterisk[0].name == "asterisk");
  CHECK_FALSE(config.asterisk[0].client.subscribe_all);
  CHECK(config.asterisk[0].client.request_timeout == Milliseconds(10'000));
  CHECK(config.asterisk[0].client.ping_interval == Milliseconds(3000));
  CHECK(config.asterisk[0].client.silence_timeout == Milliseconds(9000));
  CHECK(config.asterisk[0].client.reconnect.first == Milliseconds(100));
  CHECK(config.asterisk[0].client.reconnect.max == Milliseconds(5000));
  CHECK(config.sockets.at(0).path == "/run/aribus/aribus.sock");
  CHECK(config.sessions.max_connections == 1024);
  CHECK(config.sessions.limits.max_commands == 64);
  CHECK(config.sessions.limits.max_line_bytes == 1 << 20);
  CHECK(config.bus.ring_bytes == 64 << 20);
}

TEST_CASE("every key is read") {
  const Config config = loaded(R"(
asterisk:
  - name: a
    url: https://pbx:8089/asterisk
    username: u
    password: p
    apps: [one, two]
    subscribe_all: true
    tls: {verify_peer: false, verify_host: true}
    reconnect: {first: 200ms, max: 1min, stable: 30s, slow: 2min}
    connect_timeout: 1s
    request_timeout: 2 s
    ping_interval: 3s
    silence_timeout: 4s
    max_connections: 3
    rest: auto
    max_message_bytes: 1MiB
sockets:
  - path: /tmp/a.sock
    mode: "0666"
    owner: root
    group: staff
  - path: /tmp/b.sock
bus: {ring_bytes: 128 KiB}
limits: {connections: 5, commands: 6, request_bytes: 7KiB, unsent_bytes: 8B, drain_timeout: 9s}
logging: {level: debug}
)");
  const ari::ClientOptions& client = config.asterisk.at(0).client;
  CHECK(config.asterisk[0].name == "a");
  CHECK(client.url == "https://pbx:8089/asterisk");
  CHECK(client.apps == std::vector<std::string>{"one", "two"});
  CHECK(client.subscribe_all);
  CHECK_FALSE(client.tls.verify_peer);
  CHECK(client.tls.verify_host);
  CHECK(client.reconnect.first == Milliseconds(200));
  CHECK(client.reconnect.max == Milliseconds(60'000));
  CHECK(client.reconnect.stable == Milliseconds(30'000));
  CHECK(client.reconnect.slow == Milliseconds(120'000));
  CHECK(client.connect_timeout == Milliseconds(1000));
  CHECK(client.request_timeout == Milliseconds(2000));
  CHECK(client.ping_interval == Milliseconds(3000));
  CHECK(client.silence_timeout == Milliseconds(4000));
  CHECK(client.max_connections == 3);
  CHECK(client.rest == ari::RestMode::automatic);
  CHECK(client.max_message_bytes == 1 << 20);
  REQUIRE(config.sockets.size() == 2);
  CHECK(config.sockets[0].mode == 0666);
  CHECK(config.sockets[0].group == gid_t{50});
  CHECK(config.sockets[1].path == "/tmp/b.sock");
  CHECK(config.bus.ring_bytes == 128 << 10);
  CHECK(config.sessions.max_connections == 5);
  CHECK(config.sessions.limits.max_commands == 6);
  CHECK(config.sessions.limits.max_line_bytes == 7 << 10);
  CHECK(config.sessions.limits.max_unsent_bytes == 8);
  CHECK(config.drain_timeout == Milliseconds(9000));
  CHECK(config.log_level == "debug");
  REQUIRE(config.warnings.size() == 1);
  CHECK_THAT(config.warnings[0], ContainsSubstring("asterisk a: TLS"));
}

TEST_CASE("several servers are told apart by their names") {
  const std::string two = std::string(server) + "  - {name: pbx2, username: u, password: p, apps: [demo]}\n";
  const Config config = loaded(two);
  REQUIRE(config.asterisk.size() == 2);
  CHECK(config.asterisk[0].name == "asterisk");
  CHECK(config.asterisk[1].name == "pbx2");
  CHECK(config.asterisk[1].client.url == "http://127.0.0.1:8088");
}

TEST_CASE("a file that is not there is a system error with its name") {
  const TempDir directory;
  const auto config = load_config(directory.path("nothing.yaml"));
  REQUIRE_FALSE(config.ok());
  CHECK(config.error().kind == ErrorKind::system);
  CHECK_THAT(config.error().message, ContainsSubstring("nothing.yaml"));
}

TEST_CASE("metrics are read where they are to be had") {
  CHECK_FALSE(loaded(server).metrics);
  const auto by_port = loaded(std::string(server) + "metrics: {listen: \"[::1]:9464\"}\n").metrics;
  REQUIRE(by_port);
  CHECK(by_port->address == "::1");
  CHECK(by_port->port == 9464);
  const auto by_path =
      loaded(std::string(server) + "metrics: {path: /x, mode: \"0600\", group: \"7\"}\n").metrics;
  REQUIRE(by_path);
  CHECK(by_path->address.empty());
  CHECK(by_path->socket == SocketOptions{"/x", 0600, {}, 7});
}

TEST_CASE("a socket for WebSockets is one like the others, and rules can be for it") {
  CHECK_FALSE(loaded(server).web);
  const auto config = loaded(std::string(server) +
                             "web: {path: /x, mode: \"0600\", owner: \"6\", group: \"7\"}\n"
                             "access: [{name: r, methods: [read], sockets: [/x]}]\n");
  CHECK(config.web == SocketOptions{"/x", 0600, 6, 7});
  CHECK(config.sessions.access.rules().at(0)->sockets == std::vector<std::string>{"/x"});
  CHECK(loaded(std::string(server) + "web: {path: /x}\n").web == SocketOptions{"/x"});
}

TEST_CASE("every type of record is known to the rules of access, aribus' own as well") {
  std::vector<std::string_view> types;
  for (const record::OwnType& own : record::own_types()) types.push_back(own.name);
  for (const ari::ModelType& model : ari::models()) {
    if (model.event) types.push_back(model.name);
  }
  for (const std::string_view type : types) {
    const auto config = parse_config(
        "asterisk:\n  - {username: u, password: x, apps: [a]}\naccess:\n  - {name: r, methods: "
        "[subscribe], types: ['" +
            std::string(type) + "']}\n",
        "c.yaml");
    REQUIRE(config.ok());
    INFO(type);
    CHECK(config->warnings.empty());
  }
}

TEST_CASE("Asterisk's user is a name or a number") {
  const auto config = [](const std::string& user) {
    return parse_config("asterisk:\n  - {username: u, password: x, apps: [a], user: " + user + "}\n",
                        "c.yaml");
  };
  CHECK(config("root")->asterisk[0].client.user == ListenerUser{"root", 0});
  CHECK(config("7000")->asterisk[0].client.user == ListenerUser{"7000", 7000});
  CHECK_FALSE(parse_config("asterisk:\n  - {username: u, password: x, apps: [a]}\n", "c.yaml")
                  ->asterisk[0]
                  .client.user);
  const auto unknown = config("no-such-user");
  REQUIRE_FALSE(unknown.ok());
  CHECK_THAT(unknown.error().message, ContainsSubstring("asterisk[0].user: there is no such user"));
}
