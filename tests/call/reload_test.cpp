// The configuration is read anew while a call runs.
#include <algorithm>
#include <memory>

#include "tests/call/stage.h"

namespace {

using namespace aribus;
using namespace aribus::test;

// What the daemon of a stage is configured with, to begin with.
Server server_of_stage(const Stage& stage) {
  return stage.asterisk.server(stage.app);
}

bool came(const Program& program, const std::string& type) {
  return std::ranges::any_of(program.records(),
                             [&](const Json& record) { return text_at(record, "type") == type; });
}

}  // namespace

TEST_CASE("applications and another Asterisk come and go while a call runs, and nothing of it is missed",
          "[reload]") {
  on_each_version([](const std::string& version) {
    Stage stage(version);
    const std::string leg = stage.leg(stage.id("leg"));
    const std::string other_app = stage.app + "-more";
    constexpr int events = 400;

    // Numbered events without a pause, and the configuration changes under them.
    Program sender(stage.daemon.connect(), R"({"types":["none"]})");
    int sent = 0;
    const auto send = [&](int count) {
      for (int i = 0; i < count; ++i) {
        sender.call("events.userEvent", object({{"eventName", "number-" + std::to_string(sent++)},
                                                {"application", stage.app},
                                                {"server", server_of_stage(stage).name},
                                                json_argument("source", "[\"channel:" + leg + "\"]")}));
      }
    };
    Server changed = server_of_stage(stage);
    for (int i = 0; i < 8; ++i) {
      changed.apps = {stage.app};
      if (i % 2 == 0) changed.apps.push_back(other_app);
      std::vector<Server> servers{changed};
      if (i % 4 < 2) {
        Server second = server_of_stage(stage);
        second.name = "second";
        second.apps = {stage.app + "-second"};
        servers.push_back(second);
      }
      stage.daemon.configure(servers);
      stage.daemon.reload();
      send(events / 8);
    }
    for (int i = 0; i < events; ++i) {
      const Json event = stage.program.expect("ChannelUserevent");
      CHECK(text_at(event, "eventname") == "number-" + std::to_string(i));
      CHECK(about(event, "channels", leg));
    }
    const auto is_first = [&](const JsonValue& record) {
      return text_at(record, "server") == server_of_stage(stage).name;
    };
    for (const Json& record : stage.program.records()) {
      if (!is_first(record)) continue;
      const std::string type = text_at(record, "type");
      CHECK(type != "server.disconnected");
      CHECK(type != "server.gap");
      CHECK(type != "ApplicationReplaced");
    }
    CHECK(came(stage.program, "server.removed"));

    // The call can still be talked to, and its end is heard.
    CHECK(stage.program.call("hangup", params(leg)).IsNull());
    stage.program.expect_about("ChannelDestroyed", leg);
    stage.daemon.wait_ready();
  });
}
