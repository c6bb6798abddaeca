// What a rule lets a subscription and the live objects show.
#include "tests/access/stage.h"

using namespace aribus;
using namespace aribus::test;

TEST_CASE("no subscription shows more than the rule") {
  if (needs_root()) return;
  Stage stage(R"(    mode: "0666"
access:
  - {name: admins, users: [root], methods: [read, control, admin], functions: ["*"]}
  - {name: bounded, users: [4003], methods: [subscribe, unsubscribe, state.channels, state.bridges], types: ["Stasis*"], exclude_types: [StasisEnd], apps: [demo]}
  - {name: deaf, users: [4004], methods: [status]}
)",
              {"demo", "other"});
  Peer admin(stage.daemon.socket_path(), root);
  const std::string begin(find_string(admin.ask("hello")["result"], "cursor"));
  const auto call = [&](const std::string& app) {
    const auto made = parse_json(stage.asterisk.control("POST", "call", R"({"app":")" + app + "\"}"));
    return std::string(find_string(*made, "channel"));
  };
  const std::string mine = call("demo"), other = call("other");
  stage.asterisk.control("POST", "call/" + call("demo") + "/hangup");
  CHECK(soon([&] { return admin.ask("state.channels")["result"]["channels"].Size() == 2; }));
  // Whatever it asks for, and however often anew.
  for (const char* params :
       {R"({"since":"@"})", R"({"since":"@","types":["*"]})", R"({"since":"@","types":"Channel*"})",
        R"({"since":"@","apps":["demo","other",""]})",
        R"({"since":"@","types":["StasisEnd","server.*","StasisStart"]})",
        R"({"since":"@","channels":["OTHER"]})", R"({"since":"@","exclude":[]})"}) {
    std::string text = params;
    text.replace(text.find('@'), 1, begin);
    if (const size_t at = text.find("OTHER"); at != std::string::npos) text.replace(at, 5, other);
    INFO(text);
    Peer peer(stage.daemon.socket_path(), reader);
    for (int round = 0; round < 2; ++round) {
      const Json answer = peer.ask("subscribe", text);
      CHECK((code_in(answer) == 0 || text.find("exclude") != std::string::npos));
      while (!peer.silent()) {
        const Json record = peer.next();
        INFO(to_text(record));
        CHECK(find_string(record["params"], "type") == "StasisStart");
        CHECK(find_string(record["params"], "app") == "demo");
      }
    }
  }
  Peer peer(stage.daemon.socket_path(), reader);
  const auto all = peer.ask("state.channels");
  REQUIRE(all["result"]["channels"].Size() == 1);
  CHECK(find_string(all["result"]["channels"][0]["channel"], "id") == mine);
  CHECK(peer.ask("state.channels", R"({"id":")" + other + "\"}")["result"]["channels"].Empty());
  CHECK(peer.ask("state.channels", R"({"app":"other"})")["result"]["channels"].Empty());
  const Json snapshot = peer.ask("subscribe", R"({"snapshot":true})");
  const auto& shown = snapshot["result"]["snapshot"];
  CHECK(shown["channels"].Size() == 1);
  CHECK(shown.HasMember("bridges"));
  CHECK_FALSE(shown.HasMember("endpoints"));  // state.endpoints is not allowed
  Peer deaf(stage.daemon.socket_path(), stranger);
  CHECK(rule_in(deaf.ask("subscribe")) == "deaf");
  CHECK(rule_in(deaf.ask("subscribe", R"({"since":")" + begin + "\"}")) == "deaf");
  CHECK(deaf.silent());
}
