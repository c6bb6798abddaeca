// Values that can't be used are refused; config_mistakes.cpp has the words.
#include <algorithm>

#include "config/aribusd/config.h"
#include "json/json.h"
#include "tests/catch.h"
#include "tests/unit/config/aribusd/texts.h"

using namespace aribus;
using namespace aribus::config;
using aribus::test::mistakes_in;
using aribus::test::TempDir;
using aribus::test::with;

TEST_CASE("all mistakes are told to programs with file, line, column and key") {
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
  const auto metrics = [](const std::string& lines) {
    return mistakes_in(with("metrics: {" + lines + "}\n"));
  };
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

TEST_CASE("an empty file is refused") {
  const TempDir directory;
  const auto config = load_config(directory.write("c.yaml", ""));
  REQUIRE_FALSE(config.ok());
  CHECK_THAT(config.error().message, ContainsSubstring("c.yaml"));
}

TEST_CASE("modes are octal digits") {
  for (const char* mode : {"rw", "0999", "1777", "0o660", "-1", "\"\""}) {
    INFO(mode);
    CHECK_THAT(mistakes_in(with("sockets:\n  - {path: /tmp/x, mode: " + std::string(mode) + "}\n")),
               ContainsSubstring("sockets[0].mode"));
  }
}

TEST_CASE("sizes and durations need a unit and are more than nothing") {
  for (const char* size :
       {"64", "64MB", "64M", "0MiB", "-1MiB", "MiB", "1.5MiB", "64mib", "99999999999GiB", "x"}) {
    INFO(size);
    CHECK_THAT(mistakes_in(with("bus: {ring_bytes: " + std::string(size) + "}\n")),
               ContainsSubstring("bus.ring_bytes: a size with its unit (B, KiB, MiB or GiB)"));
  }
  CHECK_THAT(mistakes_in(with("bus: {ring_bytes: 63KiB}\n")), ContainsSubstring("at least 64KiB"));
  for (const char* time : {"10", "10sec", "0s", "-1s", "1h", "1.5s", "99999999999999999min"}) {
    INFO(time);
    CHECK_THAT(mistakes_in(with("    request_timeout: " + std::string(time) + "\n")),
               ContainsSubstring("request_timeout: a duration with its unit (ms, s or min)"));
  }
}

TEST_CASE("a URL that can't be used is refused, credentials in it too and without repeating them") {
  CHECK_THAT(mistakes_in(with("    url: pbx\n")), ContainsSubstring("asterisk[0].url"));
  const std::string message = mistakes_in(with("    url: http://u:hunter2@pbx\n"));
  CHECK_THAT(message, ContainsSubstring("keys of their own"));
  CHECK(message.find("hunter2") == std::string::npos);
}

TEST_CASE("a text is one line of UTF-8") {
  CHECK_THAT(mistakes_in(with("    name: \"caf\xE9\"\n")), ContainsSubstring("UTF-8"));
  CHECK_THAT(mistakes_in(with("    name: \"a\\0b\"\n")), ContainsSubstring("without control characters"));
  CHECK_THAT(mistakes_in(with("    name: \"a\\nb\"\n")), ContainsSubstring("without control characters"));
}

TEST_CASE("a duration beyond what libraries can count is refused") {
  for (const char* value : {"28801min", "99999999s", "2147483647s", "9223372036854775807ms"}) {
    CHECK_THAT(mistakes_in(with("    silence_timeout: " + std::string(value) + "\n")),
               ContainsSubstring("at most 28800min"));
  }
}
