// Two users, each with an application, whose commands must not reach each other's calls.
#include "tests/access/stage.h"

using namespace aribus;
using namespace aribus::test;

namespace {

// `limits`: further keys of both rules.
std::string with(const std::string& limits) {
  std::string text = R"(    mode: "0666"
access:
  - {name: admins, users: [root], methods: [read, control, admin], functions: ["*"]}
  - {name: sales, users: [4001], methods: [read, control, admin], apps: [sales]@}
  - {name: support, users: [4004], methods: [read, control, admin], apps: [support]@}
)";
  for (size_t at = 0; (at = text.find('@')) != std::string::npos;) text.replace(at, 1, limits);
  return text;
}

constexpr const char* bound = ", bound_commands: true, contexts: [default]";

}  // namespace

TEST_CASE("commands of a rule with bound_commands reach no call of another application") {
  if (needs_root()) return;
  Stage stage(with(bound), {"sales", "support"});
  Peer sales(stage.daemon.socket_path(), operator_by_group), support(stage.daemon.socket_path(), stranger);
  REQUIRE(support.code("originate", R"({"endpoint":"Local/answer@default","channelId":"support-1"})") == 0);
  REQUIRE(works_soon(support, "play", R"({"channelId":"support-1","media":"sound:beep"})"));
  REQUIRE(support.code("bridges.create", R"({"bridgeId":"support-bridge"})") == 0);
  stage.asterisk.control("DELETE", "log");
  const std::pair<const char*, const char*> commands[] = {
      {"hangup", R"({"channelId":"@-1"})"},
      {"channels.hangup", R"({"channelId":"@-1"})"},
      {"channels.getChannelVar", R"({"channelId":"@-1","variable":"X"})"},
      {"play", R"({"channelId":"@-1","media":"sound:beep"})"},
      {"bridges.destroy", R"({"bridgeId":"@-bridge"})"},
      {"bridge", R"({"channels":["@-1"]})"},
      {"channels.move", R"({"channelId":"@-1","app":"sales"})"},
      {"transfer", R"({"channelId":"@-1","context":"default"})"},
  };
  for (const auto& [method, params] : commands) {
    const auto of = [&](const std::string& whose) {
      std::string text = params;
      return text.replace(text.find('@'), 1, whose);
    };
    INFO(method);
    const auto error = [&](const std::string& text) { return to_text(sales.ask(method, text)["error"]); };
    CHECK(error(of("support")) == error(of("unknown")));
    // In a batch, and without an answer.
    const std::string request =
        R"({"jsonrpc":"2.0","method":")" + std::string(method) + R"(","params":)" + of("support");
    sales.send(request + "}");
    sales.send("[" + request + R"(,"id":"b"}])");
    Json answers = sales.next();
    while (!answers.IsArray()) answers = sales.next();
    CHECK(code_in(answers[0]) != 0);
  }
  CHECK(sales.code("ari.request", R"({"method":"DELETE","path":"/channels/support-1"})") == not_allowed);
  CHECK(sales.code("originate", R"({"endpoint":"Local/answer@default","app":"support"})") == not_allowed);
  CHECK(stage.effects().empty());
  CHECK(to_text(sales.ask("channels.list")).find("support") == std::string::npos);
  CHECK(support.code("bridges.destroy", R"({"bridgeId":"support-bridge"})") == 0);
}

TEST_CASE("a reload begins and ends the limits of commands") {
  if (needs_root()) return;
  const std::vector<std::string> apps{"sales", "support"};
  Stage stage(with(""), apps);
  Peer support(stage.daemon.socket_path(), stranger);
  const auto reload = [&](const std::string& limits) {
    stage.daemon.configure({stage.server(apps)}, with(limits));
    static_cast<void>(stage.daemon.reload());
  };
  REQUIRE(support.code("originate",
                       R"({"endpoint":"Local/answer@default","app":"support","channelId":"support-1"})") ==
          0);
  const auto get = [&] {
    Peer sales(stage.daemon.socket_path(), operator_by_group);
    return sales.code("channels.get", R"({"channelId":"support-1"})");
  };
  CHECK(get() == 0);
  reload(bound);
  CHECK(get() != 0);
  reload("");
  CHECK(get() == 0);
}
