// Applications that another client has taken over.
#include "tests/unit/net/visitor.h"
#include "tests/unit/pbx/server_stage.h"

using namespace aribus;
using aribus::pbx::State;
using aribus::test::FakeAsterisk;
using aribus::test::ServerStage;
using aribus::test::Visitor;

namespace {

// Another client has taken demo over.
struct Replaced : ServerStage {
  explicit Replaced(std::vector<std::string> apps = {"demo"}) : ServerStage(std::move(apps)) {
    connect();
    asterisk.websocket()->text(test::app_replaced());
    REQUIRE(until([&] { return server->state() == State::replaced; }));
  }
};

// Asterisk connects here, and its fences come back.
struct Outbound : ServerStage {
  std::optional<Visitor> visitor;
  bool knows_application = true;

  Outbound() : ServerStage({"demo"}, outbound) {
    asterisk.set_script([this](Peer& peer, const std::string& request) { answer(peer, request); });
    server->connect();
    test::wait_until_it_listens(loop, server->client());
    visitor.emplace(loop, server->client().port());
  }
  static void outbound(ari::ClientOptions& client, pbx::ServerTuning& tuning) {
    client.username = "aribus";
    client.password = "s3cret";
    client.listen.emplace();
    client.listen->port = 0;
    tuning.resync.fence_timeout = tuning.resync.first_look;  // never
  }
  void answer(Peer& peer, const std::string& request) {
    constexpr std::string_view fence = "POST /ari/events/user/";
    if (request.starts_with("GET /ari/applications/demo") && !knows_application) {
      now += Milliseconds(60'000);  // it took that long
      return peer.answer(404, "{}");
    }
    ServerStage::answer(peer, request);
    if (!request.starts_with(fence)) return;
    const std::string name = request.substr(fence.size(), request.find('?') - fence.size());
    visitor->say(Opcode::text, R"({"type":"ChannelUserevent","application":"demo","eventname":")" + name +
                                   R"(","userevent":{}})");
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

TEST_CASE("where Asterisk connects, an event says that the other client has given the application back") {
  Outbound stage;
  stage.visitor->ask();
  REQUIRE(stage.until([&] { return stage.server->state() == State::ready; }));
  stage.visitor->say(Opcode::text, test::app_replaced());
  REQUIRE(stage.until([&] { return stage.server->state() == State::replaced; }));
  stage.records.clear();
  stage.visitor->say(Opcode::text, test::stasis_start("c1"));
  REQUIRE(stage.until([&] { return stage.server->state() == State::ready; }));
  CHECK(stage.server->hears("demo"));
  CHECK(stage.told().starts_with("StasisStart/c1 "));
  CHECK(stage.told().ends_with("server.resynced"));
}

TEST_CASE("where Asterisk connects, an application that it does not know is another client's") {
  Outbound stage;
  stage.knows_application = false;
  stage.visitor->ask();
  REQUIRE(stage.until([&] { return stage.server->state() == State::replaced; }));
  CHECK(stage.told() == "server.connected server.replaced server.resynced");
  CHECK_FALSE(stage.server->hears("demo"));
  // It had the application since the connection began, at the latest.
  const WallTime since = stage.server->condition().since();
  stage.knows_application = true;
  stage.visitor->leave();
  REQUIRE(stage.until([&] { return stage.server->state() == State::down; }));
  stage.visitor.emplace(stage.loop, stage.server->client().port());
  stage.visitor->ask();
  REQUIRE(stage.until([&] { return stage.server->state() == State::ready; }));
  CHECK(stage.field("server.gap", "from") == to_rfc3339(since));
}
