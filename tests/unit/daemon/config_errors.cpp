// Values that can't be used are refused; mistakes.cpp has the words.
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

TEST_CASE("a URL that can't be used is refused, credentials in it too and without repeating them") {
  CHECK_THAT(fault(with("    url: pbx\n")), ContainsSubstring("asterisk[0].url"));
  const std::string message = fault(with("    url: http://u:hunter2@pbx\n"));
  CHECK_THAT(message, ContainsSubstring("keys of their own"));
  CHECK(message.find("hunter2") == std::string::npos);
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
