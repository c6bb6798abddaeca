// `aribus trace` with a recorded file.
#include "cli/commands.h"
#include "cli/output.h"
#include "tests/catch.h"
#include "tests/support/terminal.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::cli;
using aribus::test::TempDir;
using aribus::test::Terminal;

namespace {

std::string recorded(int second, const std::string& type, const std::string& calls, const std::string& id) {
  return R"({"seq":)" + std::to_string(second) + R"(,"time":"2026-11-22T21:46:0)" + std::to_string(second) +
         R"(.000Z","server":"pbx1","app":"ivr","type":")" + type + R"(","channels":[")" + id +
         R"("],"calls":[)" + calls + R"(],"channel":{"id":")" + id + R"(","name":"PJSIP/)" + id +
         R"(-00000001","state":"Up","caller":{"name":"","number":"100"}}})" + "\n";
}

// What `aribus trace` prints, and its exit status behind that.
std::string traced(const std::string& file, const std::string& id,
                   std::vector<std::pair<std::string, std::string>> more = {}) {
  Arguments arguments;
  arguments.words = {"trace", id};
  arguments.options = std::move(more);
  arguments.options.emplace_back("file", file);
  Terminal terminal;
  const int code = trace_command().run(arguments);
  return terminal.end() + "status " + std::to_string(code) + "\n";
}

}  // namespace

TEST_CASE("a call in a recording is traced by its id or that of a channel") {
  const TempDir folder;
  const std::string file = folder.write(
      "f", R"({"seq":0,"time":"2026-11-22T21:46:00.000Z","type":"record.subscribed","cursor":"a:0"})"
           "\n" +
               recorded(1, "StasisStart", R"("k1")", "c1") + recorded(2, "StasisStart", R"("k2")", "c2") +
               recorded(3, "StasisStart", "", "c3") + recorded(4, "ChannelHold", R"("k2","k1")", "c2") +
               recorded(5, "StasisEnd", R"("k1")", "c1") + recorded(6, "StasisStart", R"("k3")", "c1"));
  const std::string first = traced(file, "k1");
  CHECK_THAT(first, ContainsSubstring("Call k1") && ContainsSubstring("leaves ivr") &&
                        !ContainsSubstring("is on hold") && ContainsSubstring("status 0\n"));
  const std::string second = traced(file, "c2");
  CHECK_THAT(second, ContainsSubstring("Call k2") && ContainsSubstring("is on hold"));
  // An id that was used again.
  const std::string newest = traced(file, "c1");
  CHECK_THAT(newest, ContainsSubstring("Call k3") && !ContainsSubstring("leaves ivr") &&
                         ContainsSubstring("was in 2 calls; this is the newest, the others are: k1"));
  // As JSON: each record of the call as it is.
  const std::string json = traced(file, "k1", {{"json", ""}});
  CHECK_THAT(json, ContainsSubstring(R"("type":"StasisEnd","channels":["c1"],"calls":["k1"])") &&
                       ContainsSubstring(R"("calls":["k2","k1"])") && !ContainsSubstring("Call k1"));
  // Neither a channel without a call nor an unknown id.
  CHECK_THAT(traced(file, "c3"), ContainsSubstring("no call or channel of a call has the id 'c3'") &&
                                     ContainsSubstring("status 1\n"));
  CHECK_THAT(traced(file, "nobody"), ContainsSubstring("aribus replay") && ContainsSubstring("status 1\n"));
}

TEST_CASE("what can't be traced is an error of the file or of the words") {
  const TempDir folder;
  CHECK_THAT(traced(folder.path("none"), "c1"),
             ContainsSubstring("No such file") && ContainsSubstring("status 1\n"));
  CHECK_THAT(traced(folder.write("notes", "minutes of a meeting\n"), "c1"),
             ContainsSubstring(":1: no record") && ContainsSubstring("status 1\n"));
  CHECK_THAT(traced(folder.write("f", ""), "c1", {{"follow", ""}}),
             ContainsSubstring("leave out --file") && ContainsSubstring("status 2\n"));
}
