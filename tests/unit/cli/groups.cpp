// `aribus groups`, with a daemon that is asked.
#include "cli/commands.h"
#include "cli/output.h"
#include "tests/catch.h"
#include "tests/support/fake_daemon.h"
#include "tests/support/terminal.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::cli;
using aribus::test::answering;
using aribus::test::FakeDaemon;
using aribus::test::TempDir;
using aribus::test::Terminal;

namespace {

constexpr std::string_view one_group =
    R"({"name":"ivr","apps":["demo"],"configured":true,"exclusive":false,"fallback":"none","waiting":0,"members":[],"calls":[]})";

// A daemon with one group, and what it is asked.
struct Asked {
  TempDir folder;
  std::string requests;
  FakeDaemon daemon{folder.path("socket"), answering([this](const std::string& line) -> std::string {
                      requests += line + "\n";
                      if (line.find("group.list") == std::string::npos) return R"("result":{})";
                      const bool is_other = line.find("queue") != std::string::npos;
                      return R"("result":{"groups":[)" + (is_other ? "" : std::string(one_group)) + "]}";
                    })};

  // The exit status, and what was printed.
  std::pair<int, std::string> run(std::vector<std::string> words,
                                  std::vector<std::pair<std::string, std::string>> options = {}) {
    Arguments arguments;
    arguments.socket = daemon.path();
    arguments.words = std::move(words);
    arguments.options = std::move(options);
    Terminal terminal;
    const int code = find_command("groups")->run(arguments);
    return {code, terminal.end()};
  }
};

}  // namespace

TEST_CASE("aribus groups shows all groups, or the one that is named") {
  Asked asked;
  const auto [code, text] = asked.run({"groups"});
  CHECK(code == done);
  CHECK_THAT(text, ContainsSubstring("0 members, 0 calls; applications: demo"));
  CHECK_THAT(asked.requests, !ContainsSubstring(R"("group":)"));
  CHECK(asked.run({"groups", "ivr"}).first == done);
  CHECK_THAT(asked.requests, ContainsSubstring(R"("params":{"group":"ivr"})"));
}

TEST_CASE("aribus groups --json prints what the daemon answers") {
  Asked asked;
  const auto [code, text] = asked.run({"groups"}, {{"json", ""}});
  CHECK(code == done);
  CHECK(test::json(text) == test::json(R"({"groups":[)" + std::string(one_group) + "]}"));
}

TEST_CASE("a group that there is not is a failure, whatever the output") {
  Asked asked;
  for (const char* option : {"json", "text"}) {
    const auto [code, text] = asked.run({"groups", "queue"}, {{option, ""}});
    CHECK(code == failed);
    CHECK_THAT(text, ContainsSubstring("there is no group 'queue'"));
  }
  CHECK(asked.run({"groups", "a", "b"}).first == misused);
}
