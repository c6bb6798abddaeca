// A configuration that can't be used is refused with place, key and cure.
#include <algorithm>

#include "base/json.h"
#include "daemon/config.h"
#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::daemon;
using aribus::test::TempDir;

namespace {

// The error's message, "file:" being in front of its place.
std::string fault(const std::string& text) {
  const TempDir directory;
  const std::string file = directory.write("c.yaml", text);
  const auto config = load_config(file);
  INFO(text);
  REQUIRE_FALSE(config.ok());
  CHECK(config.error().kind == ErrorKind::invalid_params);
  REQUIRE(config.error().message.starts_with(file + ":"));
  return config.error().message.substr(file.size());
}

// One server with the given lines more or instead.
std::string with(const std::string& lines) {
  return "asterisk:\n  - username: aribus\n    password: s3cret\n    apps: [demo]\n" + lines;
}

}  // namespace

TEST_CASE("an unknown key is named with line and column, path and the nearest key") {
  CHECK(fault(with("    usrname: x\n"))
            .starts_with(":5:5: asterisk[0].usrname: no such key; did you mean 'username'?"));
  CHECK_THAT(fault(with("buss: {}\n")), ContainsSubstring(":5:1: buss: no such key; did you mean 'bus'?"));
  CHECK_THAT(fault(with("bus:\n  ring_byte: 1MiB\n")), ContainsSubstring(":6:3: bus.ring_byte: no such key"));
  CHECK_THAT(fault(with("zzzzzz: 1\n")),
             ContainsSubstring("(known: asterisk, sockets, access, bus, limits, metrics, logging)"));
  CHECK_THAT(fault(with("    tls: {verify: true}\n")), ContainsSubstring("asterisk[0].tls.verify"));
}

TEST_CASE("all mistakes are told, in the order of the file, each with its place for programs") {
  const std::string text =
      "asterisk:\n  - usrname: a\n    password: x\n    apps: [\"\"]\n  - 7\nbus:\n  ring_bytes: 1\nx: 1\n";
  const TempDir directory;
  const std::string file = directory.write("c.yaml", text);
  const auto config = load_config(file);
  REQUIRE_FALSE(config.ok());
  const auto data = parse_json(config.error().data);
  REQUIRE(data.ok());
  const JsonValue& mistakes = (*data)["mistakes"];
  std::vector<std::string> places;
  for (const auto& mistake : mistakes.GetArray()) {
    CHECK(find_string(mistake, "file") == file);
    places.push_back(std::to_string(mistake["line"].GetInt()) + ":" +
                     std::string(find_string(mistake, "key")));
  }
  CHECK(places == std::vector<std::string>{"2:asterisk[0]", "2:asterisk[0].usrname", "4:asterisk[0].apps[0]",
                                           "5:asterisk[1]", "7:bus.ring_bytes", "8:x"});
  CHECK(std::ranges::count(config.error().message, '\n') == 5);
  CHECK_THAT(config.error().message, ContainsSubstring(file + ":2:5: asterisk[0]: username: missing"));
}

TEST_CASE("metrics are for this machine") {
  const auto metrics = [](const std::string& lines) { return fault(with("metrics: {" + lines + "}\n")); };
  CHECK_THAT(metrics("listen: 0.0.0.0:9464"), ContainsSubstring(":5:19: metrics.listen: a loopback address"));
  CHECK_THAT(metrics("listen: \"[2001:db8::1]:9464\""), ContainsSubstring("a loopback address"));
  for (const char* wrong : {"localhost:9464", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536",
                            "127.0.0.1:x", ":9464"}) {
    CHECK_THAT(metrics("listen: \"" + std::string(wrong) + "\""),
               ContainsSubstring("an address in figures and a port"));
  }
  CHECK_THAT(metrics(""), ContainsSubstring("metrics: one of listen and path is expected"));
  CHECK_THAT(metrics("listen: 127.0.0.1:1, path: /x"), ContainsSubstring("one of listen and path"));
}

TEST_CASE("a value of the wrong type is named with what was expected") {
  CHECK_THAT(fault("asterisk: yes\n"), ContainsSubstring(":1:11: asterisk: a list is expected, not 'yes'"));
  CHECK_THAT(fault("asterisk: {name: x}\n"),
             ContainsSubstring("asterisk: a list is expected, not a mapping"));
  CHECK_THAT(fault("asterisk: [x]\n"), ContainsSubstring("asterisk[0]: a mapping of keys is expected"));
  CHECK_THAT(fault("asterisk: []\n"), ContainsSubstring("at least one server"));
  CHECK_THAT(fault(with("    subscribe_all: yes\n")),
             ContainsSubstring(":5:20: asterisk[0].subscribe_all: true or false"));
  CHECK_THAT(fault(with("    name: [x]\n")),
             ContainsSubstring("asterisk[0].name: a text is expected, not a list"));
  CHECK_THAT(fault(with("    name: \"\"\n")), ContainsSubstring("not empty"));
  CHECK_THAT(fault(with("    rest: websockets\n")), ContainsSubstring("did you mean 'websocket'?"));
  CHECK_THAT(fault(with("    max_connections: many\n")), ContainsSubstring("a whole number of at least 1"));
  CHECK_THAT(fault(with("    max_connections: 0\n")), ContainsSubstring("at least 1"));
  CHECK_THAT(fault(with("    max_connections: 99999999999\n")), ContainsSubstring("max_connections"));
  CHECK_THAT(fault(with("sockets: []\n")), ContainsSubstring("at least one socket"));
  CHECK_THAT(fault(with("sockets:\n  - mode: \"0660\"\n")), ContainsSubstring("path: missing"));
  CHECK_THAT(fault(with("logging: {level: inf}\n")), ContainsSubstring("did you mean 'info'?"));
  CHECK_THAT(fault("- a\n"), ContainsSubstring("a mapping of keys is expected, not a list"));
}

TEST_CASE("an empty file is refused") {
  const TempDir directory;
  const auto config = load_config(directory.write("c.yaml", ""));
  REQUIRE_FALSE(config.ok());
  CHECK_THAT(config.error().message, ContainsSubstring("c.yaml"));
}

TEST_CASE("modes are octal digits") {
  for (const char* mode : {"rw", "0999", "1777", "0o660", "-1", "\"\""}) {
    INFO(mode);
    CHECK_THAT(fault(with("sockets:\n  - {path: /tmp/x, mode: " + std::string(mode) + "}\n")),
               ContainsSubstring("sockets[0].mode"));
  }
}

TEST_CASE("sizes and durations need a unit and are more than nothing") {
  for (const char* size :
       {"64", "64MB", "64M", "0MiB", "-1MiB", "MiB", "1.5MiB", "64mib", "99999999999GiB", "x"}) {
    INFO(size);
    CHECK_THAT(fault(with("bus: {ring_bytes: " + std::string(size) + "}\n")),
               ContainsSubstring("bus.ring_bytes: a size with its unit (B, KiB, MiB or GiB)"));
  }
  CHECK_THAT(fault(with("bus: {ring_bytes: 63KiB}\n")), ContainsSubstring("at least 64KiB"));
  for (const char* time : {"10", "10sec", "0s", "-1s", "1h", "1.5s", "99999999999999999min"}) {
    INFO(time);
    CHECK_THAT(fault(with("    request_timeout: " + std::string(time) + "\n")),
               ContainsSubstring("request_timeout: a duration with its unit (ms, s or min)"));
  }
}

TEST_CASE("durations that contradict each other are refused") {
  CHECK_THAT(fault(with("    ping_interval: 10s\n")), ContainsSubstring("silence_timeout"));
  CHECK_THAT(fault(with("    reconnect: {first: 10s}\n")), ContainsSubstring("first"));
}

TEST_CASE("what is needed and missing is named with its purpose") {
  CHECK_THAT(fault("bus: {}\n"), ContainsSubstring(":1:1: asterisk: missing; it lists the servers"));
  CHECK_THAT(fault("asterisk:\n  - {password: s, apps: [a]}\n"),
             ContainsSubstring("asterisk[0]: username: missing"));
  CHECK_THAT(fault("asterisk:\n  - {username: u, password: s}\n"),
             ContainsSubstring("asterisk[0]: apps: missing"));
  CHECK_THAT(fault("asterisk:\n  - {username: u, password: s, apps: []}\n"),
             ContainsSubstring("at least one application"));
  CHECK_THAT(fault("asterisk:\n  - {username: u, apps: [a]}\n"), ContainsSubstring("no password"));
}

TEST_CASE("an application is one name") {
  CHECK_THAT(fault("asterisk:\n  - {username: u, password: s, apps: [\"a,b\"]}\n"),
             ContainsSubstring("asterisk[0].apps[0]") && ContainsSubstring("comma"));
}

TEST_CASE("a URL that can't be used is refused, credentials in it too and without repeating them") {
  CHECK_THAT(fault(with("    url: pbx\n")), ContainsSubstring("asterisk[0].url"));
  const std::string message = fault(with("    url: http://u:hunter2@pbx\n"));
  CHECK_THAT(message, ContainsSubstring("keys of their own"));
  CHECK(message.find("hunter2") == std::string::npos);
}

TEST_CASE("two servers of one name are refused") {
  CHECK_THAT(fault(with("  - {username: u, password: s, apps: [a]}\n")),
             ContainsSubstring(":5:5: asterisk[1]: name: 'asterisk' is the name of another server"));
}

TEST_CASE("two sockets of one path are refused") {
  CHECK_THAT(fault(with("sockets: [{path: /tmp/x}, {path: /tmp/x}]\n")),
             ContainsSubstring("sockets[1]: path: /tmp/x is another socket's already"));
}

TEST_CASE("broken YAML is refused with its place") {
  CHECK_THAT(fault("asterisk:\n  - name: [x\n"), ContainsSubstring("no YAML"));
  CHECK(fault("a: b: c\n").starts_with(":1:5: no YAML"));
  CHECK(fault("asterisk:\n\t- x\n") == ":2:1: a tab; lines are indented with spaces");
}

TEST_CASE("a key that is given twice is refused") {
  CHECK_THAT(fault(with("bus: {}\nbus: {}\n")), ContainsSubstring(":6:1: bus: this key is given twice"));
  CHECK_THAT(fault(with("    username: other\n")),
             ContainsSubstring(":5:5: asterisk[0]: username: this key is given twice"));
}

TEST_CASE("a text is one line of UTF-8") {
  CHECK_THAT(fault(with("    name: \"caf\xE9\"\n")), ContainsSubstring("UTF-8"));
  CHECK_THAT(fault(with("    name: \"a\\0b\"\n")), ContainsSubstring("without control characters"));
  CHECK_THAT(fault(with("    name: \"a\\nb\"\n")), ContainsSubstring("without control characters"));
}

TEST_CASE("a duration beyond what libraries can count is refused") {
  for (const char* value : {"28801min", "99999999s", "2147483647s", "9223372036854775807ms"}) {
    CHECK_THAT(fault(with("    silence_timeout: " + std::string(value) + "\n")),
               ContainsSubstring("at most 28800min"));
  }
}

TEST_CASE("a user's name has no colon") {
  CHECK_THAT(fault("asterisk:\n  - username: a:b\n    password: x\n    apps: [demo]\n"),
             ContainsSubstring("asterisk[0].username: a name without a colon"));
}
