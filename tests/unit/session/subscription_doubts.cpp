// What the answer to `subscribe` says of types, applications and servers that nothing can match.
#include "tests/catch.h"
#include "tests/unit/pbx/test_server.h"
#include "tests/unit/session/daemon.h"

using namespace aribus;
using aribus::test::Daemon;
using aribus::test::Program;

namespace {

// A daemon that knows two Asterisks.
struct DoubtsStage : Daemon {
  std::vector<std::unique_ptr<test::TestServer>> asterisks;
  Program program{*this};

  DoubtsStage() {
    add("pbx1", {"ivr", "crm"});
    add("pbx2", {"queue"});
  }
  ~DoubtsStage() { close(); }  // before its Asterisks, as the daemon does
  DoubtsStage(const DoubtsStage&) = delete;
  void add(const std::string& name, const std::vector<std::string>& apps) {
    asterisks.push_back(
        std::make_unique<test::TestServer>(loop, test::client_options(test::nowhere, apps), name));
    dispatcher.add_server(*asterisks.back());
  }
  // The warnings, a line each.
  std::string warnings(const std::string& params) {
    program.ask("subscribe", params);
    const Json answer = program.next();
    INFO(to_text(answer));
    REQUIRE(answer.HasMember("result"));
    std::string all;
    if (const JsonValue* list = find(answer["result"], "warnings")) {
      REQUIRE(list->Size() > 0);  // else there is none
      for (const auto& text : list->GetArray()) all += std::string(as_view(text)) + "\n";
    }
    return all;
  }
};

}  // namespace

TEST_CASE("a subscription that can match is answered without warnings") {
  DoubtsStage stage;
  CHECK(stage.warnings("{}").empty());
  CHECK(stage.warnings(R"({"types":["StasisStart","Channel*","server.*","*","[CS]*","Malformed"]})").empty());
  CHECK(
      stage.warnings(R"({"apps":["ivr","queue",""],"servers":["pbx2"],"exclude":"ChannelVarset"})").empty());
  CHECK(stage.warnings(R"({"channels":["1.2"],"endpoints":["PJSIP/100"]})").empty());
}

TEST_CASE("what a subscription names and is not there is told, with what was meant") {
  DoubtsStage stage;
  CHECK(stage.warnings(R"({"types":["Stasisstart","StasisEnd","Chanel*","BrandNew"]})") ==
        "types: 'Stasisstart' is no known type; did you mean 'StasisStart'?\n"
        "types: no known type matches 'Chanel*'\n"
        "types: 'BrandNew' is no known type\n");
  CHECK(stage.warnings(R"({"exclude":"ChannelVarSet"})") ==
        "exclude: 'ChannelVarSet' is no known type; did you mean 'ChannelVarset'?\n");
  CHECK(stage.warnings(R"({"servers":["PBX1","x"],"apps":["Ivr"],"endpoints":["100"]})") ==
        "servers: there is no server 'PBX1'; did you mean 'pbx1'?\n"
        "servers: there is no server 'x'\n"
        "apps: aribusd holds no application 'Ivr' that this program may see; did you mean 'ivr'?\n"
        "endpoints: '100' has no technology; PJSIP/100 is of the form that is expected\n");
}

TEST_CASE("a subscription with warnings counts all the same") {
  DoubtsStage stage;
  CHECK_FALSE(stage.warnings(R"({"types":"Newer"})").empty());
  stage.log.append(test::record_of("Newer"));
  CHECK(as_view(stage.program.next()["params"]["type"]) == "Newer");
}

TEST_CASE("warnings do not name applications that the program's rule hides") {
  DoubtsStage stage;
  stage.set_rule({.name = "ivr", .methods = {"read"}, .apps = {"ivr"}});
  CHECK(stage.warnings(R"({"apps":["crm","ivrs","que"]})") ==
        "apps: aribusd holds no application 'crm' that this program may see\n"
        "apps: aribusd holds no application 'ivrs' that this program may see; did you mean 'ivr'?\n"
        "apps: aribusd holds no application 'que' that this program may see\n");
}

TEST_CASE("many warnings are cut") {
  DoubtsStage stage;
  std::string types;
  for (int i = 0; i < 200; ++i)
    types += (types.empty() ? "\"" : ",\"") + std::string("X") + std::to_string(i) + '"';
  const std::string told = stage.warnings(R"({"types":[)" + types + "]}");
  CHECK(std::ranges::count(told, '\n') == 11);
  CHECK(told.ends_with("types: 'X9' is no known type\nand there are more\n"));
}
