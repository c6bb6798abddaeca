// Applications that another client has taken over.
#include "tests/unit/pbx/server_stage.h"

using namespace aribus;
using aribus::pbx::State;
using aribus::test::ServerStage;

namespace {

// Another client has taken demo over.
struct Replaced : ServerStage {
  explicit Replaced(std::vector<std::string> apps = {"demo"}) : ServerStage(std::move(apps)) {
    connect();
    asterisk.websocket()->text(test::app_replaced());
    REQUIRE(until([&] { return server->state() == State::replaced; }));
  }
};

}  // namespace

TEST_CASE("an application that another client takes over is reported") {
  Replaced stage;
  CHECK(stage.told() == "ApplicationReplaced server.replaced");
  CHECK(stage.records[1].app == "demo");
  CHECK(stage.server->condition().reason() == "another client has taken over the application 'demo'");
  CHECK(stage.server->is_connected());
  CHECK_FALSE(stage.server->hears("demo"));
  CHECK(stage.changes == 1);
  CHECK(stage.log.with("another client has taken over the application 'demo'").size() == 1);
}

TEST_CASE("it is reported once, and each application for itself") {
  Replaced stage({"demo", "other"});
  stage.asterisk.websocket()->text(test::app_replaced());
  stage.asterisk.websocket()->text(test::app_replaced("foreign"));
  stage.asterisk.websocket()->text(test::app_replaced("other"));
  REQUIRE(stage.until([&] { return !stage.server->hears("other"); }));
  CHECK(stage.told() ==
        "ApplicationReplaced server.replaced ApplicationReplaced ApplicationReplaced ApplicationReplaced "
        "server.replaced");
  CHECK(stage.server->condition().reason() ==
        "another client has taken over the application 'demo', 'other'");
}

TEST_CASE("what is reclaimed may have been missed") {
  Replaced stage;
  stage.records.clear();
  std::optional<Result<std::string>> answer;
  stage.server->reclaim([&](const Result<pbx::ResultText>& got) {
    answer = got ? Result<std::string>(got->str()) : Result<std::string>(got.error());
  });
  REQUIRE(answer);
  CHECK(answer->ok());
  REQUIRE(stage.until([&] { return stage.server->state() == State::ready; }));
  CHECK(stage.told() == "server.disconnected server.connected server.gap server.resynced");
  CHECK(stage.field("server.gap", "reason") == "another client had the application demo");
  CHECK(stage.server->hears("demo"));
}

TEST_CASE("a connection that was made again while an application is replaced has it again") {
  Replaced stage;
  stage.asterisk.websocket()->reset();
  REQUIRE(stage.until([&] { return stage.server->state() == State::ready; }));
  CHECK(stage.field("server.gap", "reason") == "another client had the application demo");
}
