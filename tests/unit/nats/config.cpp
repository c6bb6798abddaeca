// The configuration of aribus-nats: what is read, and each mistake with its place, cause and cure.
#include "nats/config.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include <sys/stat.h>

#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::nats;
using aribus::config::Purpose;
using aribus::test::TempDir;

namespace {

Config read(const std::string& text) {
  auto config = parse_config(text, "nats.yaml", Purpose::start);
  INFO((config ? std::string() : config.error().message));
  REQUIRE(config.ok());
  return std::move(*config);
}

// The mistakes, without the file's name.
std::string told(const std::string& text) {
  const auto config = parse_config(text, "nats.yaml", Purpose::start);
  INFO(text);
  REQUIRE_FALSE(config.ok());
  std::string message = config.error().message;
  for (size_t at = 0; (at = message.find("nats.yaml", at)) != std::string::npos;) message.erase(at, 9);
  return message;
}

std::string warnings(const std::string& text) {
  std::string all;
  for (const std::string& warning : read(text).warnings) all += warning + "\n";
  return all;
}

std::string text_of(const std::filesystem::path& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace

TEST_CASE("nats.yaml: what is not given has its default") {
  const Config config = read("name: pbx1\n");
  CHECK(config.name == "pbx1");
  CHECK(config.records.socket == "/run/aribus/aribus.sock");
  CHECK(config.state_file == "/var/lib/aribus-nats/state.json");
  CHECK(config.nats == NatsOptions{});
  CHECK(config.nats.url == "nats://127.0.0.1:4222");
  CHECK(config.stream.name == "ARIBUS_pbx1");
  CHECK(config.stream.subjects == "aribus.v1.rec.pbx1.>");
  CHECK_FALSE(config.stream.max_age);
  CHECK_FALSE(config.stream.max_bytes);
  CHECK_FALSE(config.stream.replicas);
  CHECK(config.rules.empty());
  CHECK_FALSE(config.metrics);
  CHECK(config.log_level == "info");
}

TEST_CASE("nats.yaml: every key is read") {
  const TempDir directory;
  const std::string secret = directory.write("secret", "s3cret\n");
  ::chmod(secret.c_str(), 0600);
  const Config config = read(
      "name: PBX-1_a\nsocket: /run/x.sock\nstate_file: /srv/state.json\n"
      "nats:\n  url: [nats://a:1, \"tls://[::1]:2\"]\n  username: u\n  password_file: " +
      secret +
      "\nstream:\n  name: CALLS\n  replicas: 3\n  max_age: 7d\n  max_bytes: 10GiB\n"
      "publish:\n  types: [StasisStart, \"server.*\"]\n  exclude: [ChannelVarset]\n"
      "rules:\n  control: /run/c.sock\n  all readers: /run/r.sock\n"
      "metrics:\n  listen: 127.0.0.1:9465\nlogging:\n  level: debug\n");
  CHECK(config.records.socket == "/run/x.sock");
  CHECK(config.state_file == "/srv/state.json");
  CHECK(config.nats.url == "nats://a:1,tls://[::1]:2");
  CHECK(config.nats.user == "u");
  CHECK(config.nats.password == "s3cret");
  CHECK(config.stream.name == "CALLS");
  CHECK(config.stream.replicas == 3);
  CHECK(config.stream.max_age == std::chrono::days(7));
  CHECK(config.stream.max_bytes == int64_t{10} << 30);
  CHECK(config.records.types == std::vector<std::string>{"StasisStart", "server.*"});
  CHECK(config.records.exclude == std::vector<std::string>{"ChannelVarset"});
  CHECK(config.rules == std::vector<std::pair<std::string, std::string>>{{"control", "/run/c.sock"},
                                                                         {"all readers", "/run/r.sock"}});
  CHECK(config.metrics->port == 9465);
  CHECK(config.log_level == "debug");
}

TEST_CASE("nats.yaml: each mistake is told with its place, cause and cure") {
  const std::pair<std::string, std::string> mistakes[] = {
      {"{}", ":1:1: name: missing; it is the PBX's name, and part of subjects in NATS"},
      {"name: any\n",
       ":1:7: name: 'any' stands for every PBX in the subjects of commands; choose another name"},
      {"name: pbx.1\n",
       ":1:7: name: 1 to 64 of A-Z, a-z, 0-9, _ and - are expected, because the name is part of NATS "
       "subjects, not 'pbx.1'"},
      {"name: a\nstate_file: state.json\n", ":2:13: state_file: an absolute path is expected"},
      {"name: a\nstream: {name: a.b}\n",
       ":2:16: stream.name: 1 to 128 of A-Z, a-z, 0-9, _ and - are expected, not 'a.b'"},
      {"name: a\nstream: {replicas: 7}\n",
       ":2:20: stream.replicas: a whole number from 1 to 5 is expected, not '7'"},
      {"name: a\nstream: {max_age: 5ms}\n",
       ":2:19: stream.max_age: a duration with its unit (s, min, h or d), as 7d, is expected, not '5ms'"},
      {"name: a\npublish: {types: []}\n",
       ":2:18: publish.types: at least one type is expected; without this key all are published"},
      {"name: a\nrules: [a]\n", ":2:8: rules: a mapping of keys is expected, not a list"},
      {"name: a\nrules: {b: /x, c: /x}\n",
       ":2:19: rules.c: the rule b has the same socket; each needs its own, with an access rule of that name "
       "in aribusd.yaml"},
      {"name: a\nrule: {}\n",
       ":2:1: rule: no such key; did you mean 'rules'? (known: name, socket, state_file, nats, stream, "
       "publish, "
       "rules, metrics, logging)"},
      {"name: a\nlogging: {level: loud}\n",
       ":2:18: logging.level: one of trace, debug, info, warning, error, off is expected, not 'loud'"},
      {"name: a\nnats: {username: u}\n",
       ":2:7: nats: no password for username; one of password_file, password_env and password is expected"},
      {"name: a\nnats: {password: p}\n", ":2:7: nats: a password without username; NATS needs both"},
      {"name: a\nnats: {username: u, password: p, password_env: NOT_SET_HERE}\n",
       ":2:7: nats: more than one password; one of password_file, password_env and password is expected\n"
       ":2:48: nats.password_env: the environment variable that it names is not set"},
      {"name: a\nnats: {certificate_file: /dev/null}\n",
       ":2:7: nats: certificate_file and key_file go together; one is missing"},
      {"name: a\nnats: {credentials: /no/such}\n",
       ":2:21: nats.credentials: the file that it names can't be read: No such file or directory; it must be "
       "there, and the daemon's user must be able to read it"},
  };
  for (const auto& [text, message] : mistakes) CHECK(told(text) == message);
}

TEST_CASE("nats.yaml: the url of a server") {
  for (const char* url : {"nats://a", "nats://a:4222", "tls://a.example.com:1/", "nats://[::1]",
                          "nats://[::1]:7", "nats://127.0.0.1:65535"}) {
    INFO(url);
    CHECK(read("name: a\nnats: {url: '" + std::string(url) + "'}\n").nats.url == url);
  }
  for (const char* url :
       {"a:4222", "http://a", "nats://", "nats://:1", "nats://a:0", "nats://a:65536", "nats://a:1x",
        "nats://a:", "nats://a b", "nats://[::1", "nats://a/b", "nats://a,nats://b", "ws://a"}) {
    const std::string message = told("name: a\nnats: {url: '" + std::string(url) + "'}\n");
    CHECK_THAT(message, ContainsSubstring(":2:13: nats.url: ") && ContainsSubstring("expected"));
  }
}

TEST_CASE("nats.yaml: no password comes into an error or a warning") {
  const std::string secret = "hunter2";
  for (const std::string& text :
       {"name: a\nnats: {url: 'nats://u:" + secret + "@a'}\n", "name: a\nnats: " + secret + "\n",
        "name: a\nnats: {" + secret + ": x}\n", "name: a\nnats: {password: [" + secret + "]}\n",
        "name: a\n" + secret + ": x\n", "name: a\nnats: {url: '" + secret + "'}\n"}) {
    CHECK_THAT(told(text), !ContainsSubstring(secret));
  }
  CHECK_THAT(warnings("name: a\nnats: {username: u, password: ' " + secret + "'}\n"),
             ContainsSubstring("begins with a blank") && !ContainsSubstring(secret));
}

TEST_CASE("nats.yaml: what is allowed and unwise is warned of") {
  CHECK(warnings("name: a\nstream: {max_age: 1d}\n").empty());
  CHECK(warnings("name: a\nnats: {url: 'nats://[::1]'}\nstream: {max_bytes: 1GiB, replicas: 3}\n").empty());
  CHECK_THAT(warnings("name: a\n"), ContainsSubstring("grows until the disk of NATS is full"));
  CHECK_THAT(warnings("name: a\nstream: {max_age: 1d, replicas: 2}\n"), ContainsSubstring("an even number"));
  CHECK_THAT(warnings("name: a\nstream: {max_age: 5s}\n"), ContainsSubstring("very short"));
  CHECK_THAT(warnings("name: a\nstream: {max_bytes: 1KiB}\n"), ContainsSubstring("very small"));
  CHECK_THAT(warnings("name: a\nnats: {url: nats://b.example}\nstream: {max_age: 1d}\n"),
             ContainsSubstring("all records are sent to b.example unencrypted"));
  CHECK_THAT(
      warnings("name: a\nnats: {url: nats://b.example, username: u, password: p}\nstream: {max_age: 1d}\n"),
      ContainsSubstring("the login and all records are sent"));
  CHECK(warnings("name: a\nnats: {url: tls://b.example}\nstream: {max_age: 1d}\n").empty());
}

TEST_CASE(
    "nats.yaml: files that hold no certificate or credentials are told of, and keep nothing from starting") {
  const TempDir directory;
  const std::string file = directory.write("some.pem", "nothing\n");
  CHECK_THAT(warnings("name: a\nstream: {max_age: 1d}\nnats: {ca_file: " + file + "}\n"),
             ContainsSubstring("nats.ca_file: there is no certificate in it"));
  CHECK_THAT(warnings("name: a\nstream: {max_age: 1d}\nnats: {credentials: " + file + "}\n"),
             ContainsSubstring("nats.credentials: it has no JWT"));
  CHECK_THAT(warnings("name: a\nstream: {max_age: 1d}\nnats: {certificate_file: " + file +
                      ", key_file: " + file + "}\n"),
             ContainsSubstring("nats.certificate_file: "));
}

TEST_CASE("nats.yaml: a check looks at the machine, and tells all") {
  const TempDir directory;
  const std::string text =
      "name: a\nsocket: " + directory.path("none.sock") + "\nstate_file: " + directory.path("no/state.json") +
      "\nnats: {url: nats://127.0.0.1:1}\nrules: {control: " + directory.path("") + "}\n";
  CHECK(parse_config(text, "nats.yaml", Purpose::start).ok());
  const auto config = parse_config(text, "nats.yaml", Purpose::check);
  REQUIRE_FALSE(config.ok());
  CHECK_THAT(config.error().message,
             ContainsSubstring("nats.yaml:2:9: socket: there is no socket ") &&
                 ContainsSubstring("nats.yaml:3:13: state_file: there is no folder ") &&
                 ContainsSubstring("rules.control: ") && ContainsSubstring(" is not a socket; ") &&
                 ContainsSubstring("warning: nats.yaml:4:13: nats.url: no connection to NATS") &&
                 ContainsSubstring("warning: nats.yaml:1:1: neither stream.max_age"));
}

TEST_CASE("nats.yaml: the sample and the examples of the documentation are right") {
  std::vector<std::pair<std::string, std::string>> examples;
  const std::filesystem::path source(ARIBUS_SOURCE_DIR);
  examples.emplace_back("config/nats.yaml", text_of(source / "config/nats.yaml"));
  for (const auto& entry : std::filesystem::directory_iterator(source / "docs")) {
    const std::string text = entry.path().extension() == ".md" ? text_of(entry.path()) : "";
    constexpr std::string_view fence = "```yaml nats\n";
    for (size_t at = 0; (at = text.find(fence, at)) != std::string::npos;) {
      at += fence.size();
      examples.emplace_back(entry.path().filename(), text.substr(at, text.find("```", at) - at));
    }
  }
  CHECK(examples.size() >= 4);
  const TempDir directory;
  (void)directory.write("nats.creds", "-----BEGIN NATS USER JWT-----\n-----BEGIN USER NKEY SEED-----\n");
  for (auto& [where, text] : examples) {
    for (size_t at = 0; (at = text.find("/etc/aribus/")) != std::string::npos;)
      text.replace(at, std::string_view("/etc/aribus/").size(), directory.path(""));
    const auto config = parse_config(text, where, Purpose::start);
    INFO(text << (config ? "" : config.error().message));
    CHECK(config.ok());
    if (config) CHECK(config->warnings.empty());
  }
}
