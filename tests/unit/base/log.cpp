#include "base/log.h"

#include <algorithm>
#include <fstream>

#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;

TEST_CASE("an unknown log level is refused with the nearest one") {
  const auto started = start_log("warnin");
  REQUIRE_FALSE(started.ok());
  CHECK(started.error().kind == ErrorKind::invalid_params);
  CHECK_THAT(started.error().message, ContainsSubstring("did you mean 'warning'?"));
}

namespace {

// What goes to standard error while `log()` runs.
std::string logged(const std::function<void()>& log) {
  const test::TempDir directory;
  const std::string file = directory.write("log", "");
  const auto before = spdlog::default_logger();
  const Fd kept(::dup(STDERR_FILENO));
  {
    const Fd there(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
    ::dup2(there.get(), STDERR_FILENO);
  }
  const auto started = start_log("trace");
  if (started) log();
  spdlog::set_default_logger(before);
  ::dup2(kept.get(), STDERR_FILENO);
  REQUIRE(started.ok());
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace

TEST_CASE("every line on standard error is one line of the log, and moves no terminal") {
  using namespace std::string_literals;
  const std::string line = logged([] {
    spdlog::info("{}", "a\n2026-11-22T23:50:00.001Z info audit user=root\r\x1b[2J\x7f\0b\tc"s);
    spdlog::warn("{}",
                 "\xC2\x9B"
                 "31m \xC2\x85 \xE2\x80\xAE"
                 "evil\xE2\x81\xA9 \xD8\x9C \xE2\x80\xA8 \xEF\xBB\xBF");
    spdlog::error("{}", "\xC3\xA4 \xE2\x82\xAC \xF0\x9F\x93\x9E \\n");
    spdlog::error("{}", "\xFF\xC3 \xED\xA0\x80");
  });
  CHECK(std::ranges::count(line, '\n') == 4);
  CHECK_THAT(line, ContainsSubstring(
                       R"( info a\n2026-11-22T23:50:00.001Z info audit user=root\r\x1b[2J\x7f\x00b\tc)"));
  CHECK_THAT(line, ContainsSubstring(R"( warning \u009b31m \u0085 \u202eevil\u2069 \u061c \u2028 \ufeff)"));
  CHECK_THAT(line, ContainsSubstring("\xC3\xA4 \xE2\x82\xAC \xF0\x9F\x93\x9E \\n"));
  CHECK_THAT(line, ContainsSubstring(R"( error \xff\xc3 \xed\xa0\x80)"));
}

TEST_CASE("of warnings that come very often one a second is logged, with the number of the others") {
  RareWarnings::Clock::time_point now{};
  RareWarnings warnings([&] { return now; });
  const std::string text = logged([&] {
    for (int i = 0; i < 1000; ++i) warnings.warn("full");
    now += std::chrono::milliseconds(999);
    warnings.warn("full");
    now += std::chrono::milliseconds(1);
    warnings.warn("full");
    now += std::chrono::seconds(1);
    warnings.warn("full");
  });
  CHECK(std::ranges::count(text, '\n') == 3);
  CHECK_THAT(text, ContainsSubstring("warning full\n") &&
                       ContainsSubstring("warning full (1000 more since the last one)\n"));
}

TEST_CASE("warnings may be as rare as is asked for") {
  RareWarnings::Clock::time_point now{};
  RareWarnings warnings([&] { return now; }, std::chrono::minutes(1));
  const std::string text = logged([&] {
    for (int second = 0; second <= 60; ++second, now += std::chrono::seconds(1)) warnings.warn("full");
  });
  CHECK(std::ranges::count(text, '\n') == 2);
  CHECK_THAT(text, ContainsSubstring("warning full (59 more since the last one)\n"));
}
