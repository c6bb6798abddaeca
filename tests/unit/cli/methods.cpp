// Words of a command line as parameters, by the daemon's own description.
#include "cli/methods.h"

#include <fstream>

#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::cli;
using aribus::test::json;

namespace {

Methods methods() {
  std::ifstream file(ARIBUS_SOURCE_DIR "/docs/protocol/openrpc.json");
  const std::string text(std::istreambuf_iterator<char>(file), {});
  auto parsed = parse_json(text);
  auto read = Methods::read(std::move(*parsed));
  return std::move(*read);
}
std::string params(const std::string& method, const std::vector<std::string>& words) {
  const auto made = methods().params(method, words);
  return made ? *made : "error: " + made.error().message;
}

}  // namespace

TEST_CASE("a value becomes what its parameter takes") {
  CHECK(params("originate", {"endpoint=PJSIP/100", "timeout=30", "callerId=100"}) ==
        R"({"endpoint":"PJSIP/100","timeout":30,"callerId":"100"})");
  CHECK(params("originate", {R"(variables={"A":"b"})"}) == R"({"variables":{"A":"b"}})");
  CHECK(params("play", {"media=sound:a", "wait=true"}) == R"({"media":"sound:a","wait":true})");
  CHECK(params("play", {R"(media=["sound:a","sound:b"])"}) == R"({"media":["sound:a","sound:b"]})");
  CHECK(params("play", {"media=sound:a=b", "media=sound:b", "media=sound:c"}) ==
        R"({"media":["sound:a=b","sound:b","sound:c"]})");
  CHECK(params("bridge", {"channels=1795384777.12"}) == R"({"channels":"1795384777.12"})");
  CHECK(params("hangup", {"channelId:=\"c1\""}) == R"({"channelId":"c1"})");
  CHECK(params("hangup", {"server=pbx1", "key=7"}) == R"({"server":"pbx1","key":"7"})");
  CHECK(params("hangup", {"unknown=7"}) == R"({"unknown":"7"})");  // the daemon says which there are
}

TEST_CASE("a word that is no parameter says what is expected") {
  CHECK(params("originate", {"timeout=soon"}) == "error: 'timeout=soon': timeout: whole number is expected");
  CHECK(params("hangup", {"c1"}) == "error: 'c1': name=value, or name:=json, is expected");
  CHECK(params("hangup", {"=c1"}) == "error: '=c1': name=value, or name:=json, is expected");
  CHECK(params("hangup", {"channelId=c1", "channelId=c2"}) ==
        "error: 'channelId=c2': channelId is given twice");
  CHECK(params("hangup", {"channelId:=c1"}).starts_with("error: 'channelId:=c1': no JSON: "));
}

TEST_CASE("a method's help names its parameters and what they take") {
  const auto help_of = [](const char* method) {
    std::string text;
    for (const std::string& line : methods().help(method, 60)) text += line + "\n";
    return text;
  };
  const std::string help = help_of("play");
  CHECK(help.starts_with("play: "));
  CHECK_THAT(help, ContainsSubstring("media=            text, list (required)\n"));
  CHECK_THAT(help, ContainsSubstring("wait=             true or false\n"));
  CHECK_THAT(help, ContainsSubstring("server=           text\n"));
  CHECK_THAT(help_of("originate"), ContainsSubstring("wait=           one of answer\n"));
  CHECK_THAT(help_of("ping"), ContainsSubstring("It takes no parameters."));
  CHECK(help_of("nothing").empty());
  const std::string create = help_of("bridges.createWithId");
  CHECK(create.starts_with("bridges.createWithId: Creates an empty bridge, like `bridges.create`;"));
  CHECK_THAT(create, ContainsSubstring("\n  POST /bridges/{bridgeId}\n"));
  CHECK_THAT(create, ContainsSubstring("  bridgeId=  text (required)\n      Id for the new bridge;"));
  CHECK_THAT(create, ContainsSubstring("  variables= object of JSON, later than Asterisk 16.28\n"));
  CHECK_THAT(help_of("channels.progress"), ContainsSubstring("/progress, later than Asterisk 16.28\n"));
}

TEST_CASE("a method's summary is its first sentence") {
  const Methods all = methods();
  CHECK(all.summary("bridges.destroy") == "Destroys a bridge.");
  CHECK(all.summary("nothing").empty());
  CHECK(all.parameters("hangup").front().description.starts_with("Id of the channel."));
}
