// A change of the configuration: another connection takes over.
#include "tests/unit/pbx/server_stage.h"

using namespace aribus;
using aribus::pbx::State;
using aribus::test::ServerStage;

namespace {

// Another connection, which holds the same applications.
struct Changed : ServerStage {
  explicit Changed(std::vector<std::string> apps = {"demo"}) : ServerStage(std::move(apps)) {
    connect();
    present = sockets().at(0);
    options.client.subscribe_all = true;
  }
  void change() {
    REQUIRE(server->change(options, Milliseconds(0)) == "reconnecting");
    REQUIRE(until([&] { return sockets().size() == 2; }));
    next = sockets().at(1);
  }
  Peer* present;
  Peer* next = nullptr;
};

}  // namespace

TEST_CASE("events of the next connection wait for those of the present one, in their order") {
  Changed stage;
  stage.change();
  stage.next->text(test::stasis_start("c3"));
  stage.next->text(test::stasis_start("c4"));
  stage.read(*stage.next);
  CHECK(stage.told().empty());
  stage.present->text(test::stasis_start("c1"));
  stage.present->text(test::stasis_start("c2"));
  stage.read(*stage.present);
  CHECK(stage.told() == "StasisStart/c1 StasisStart/c2");
  stage.present->text(test::app_replaced());
  REQUIRE(stage.until([&] { return stage.records.size() >= 5; }));
  CHECK(stage.told() == "StasisStart/c1 StasisStart/c2 server.connected StasisStart/c3 StasisStart/c4");
  CHECK(stage.server->is_connected());
  REQUIRE(stage.until([&] { return !stage.present->open(); }));
  REQUIRE(stage.until([&] { return stage.server->state() == State::ready; }));
  CHECK(stage.server->hears("demo"));
  stage.next->text(test::stasis_start("c5"));
  REQUIRE(stage.until([&] { return stage.told().ends_with("StasisStart/c5"); }));
}

TEST_CASE("each application in common is waited for") {
  Changed stage({"demo", "other"});
  stage.change();
  stage.next->text(test::stasis_start("c2"));
  stage.present->text(test::app_replaced("other"));
  stage.read(*stage.present);
  stage.present->text(test::stasis_start("c1"));
  stage.read(*stage.present);
  CHECK(stage.told() == "StasisStart/c1");
  stage.present->text(test::app_replaced("demo"));
  REQUIRE(stage.until([&] { return stage.told().ends_with("server.connected StasisStart/c2"); }));
}

TEST_CASE("a connection for other applications takes over at once, and the old ones are given up") {
  Changed stage;
  stage.options.client.apps = {"another"};
  REQUIRE(stage.server->change(stage.options, Milliseconds(0)) == "reconnecting");
  REQUIRE(stage.until([&] { return stage.told().starts_with("server.connected"); }));
  CHECK(stage.server->hears("another"));
  CHECK_FALSE(stage.server->hears("demo"));
  REQUIRE(stage.until([&] { return !stage.present->open(); }));
  CHECK(stage.asterisk.count("DELETE /ari/applications/demo/subscription") == 1);
}

TEST_CASE("after a restart of Asterisk there is nothing to take over") {
  Changed stage;
  stage.info = test::startup("2026-11-22T22:00:00.000+0000");
  REQUIRE(stage.server->change(stage.options, Milliseconds(0)) == "reconnecting");
  REQUIRE(stage.until([&] { return stage.records.size() >= 3; }));
  CHECK(stage.told().starts_with("server.disconnected server.connected server.gap"));
  CHECK(stage.field("server.disconnected", "reason") == "the configuration was changed");
  CHECK(stage.field("server.gap", "reason") == "the configuration was changed");
  CHECK(stage.log.with("Asterisk was restarted").size() == 1);
}

TEST_CASE("another client that takes the application over meanwhile is reported") {
  Changed stage;
  stage.change();
  stage.next->text(test::stasis_start("c1"));
  stage.next->text(test::app_replaced());
  stage.read(*stage.next);
  CHECK(stage.told().empty());
  stage.present->text(test::app_replaced());
  REQUIRE(stage.until([&] { return stage.server->state() == State::replaced; }));
  CHECK(stage.told().starts_with("server.connected StasisStart/c1 ApplicationReplaced server.replaced"));
  CHECK_FALSE(stage.server->hears("demo"));
}

TEST_CASE("an application that another client has is not waited for") {
  Changed stage;
  stage.present->text(test::app_replaced());
  REQUIRE(stage.until([&] { return stage.server->state() == State::replaced; }));
  stage.records.clear();
  REQUIRE(stage.server->change(stage.options, Milliseconds(0)) == "reconnecting");
  REQUIRE(stage.until([&] { return stage.server->state() == State::ready; }));
  CHECK(stage.told().starts_with("server.connected server.gap"));
}

TEST_CASE("a next connection that fails becomes the present one, and reconnects") {
  Changed stage;
  stage.refuses_events = true;
  REQUIRE(stage.server->change(stage.options, Milliseconds(0)) == "reconnecting");
  REQUIRE(stage.until([&] { return stage.server->state() == State::down; }));
  CHECK(stage.told() == "server.disconnected");
  stage.refuses_events = false;
  REQUIRE(stage.until([&] { return stage.server->state() == State::ready; }));
  CHECK(stage.told().starts_with("server.disconnected server.connected server.gap"));
  CHECK(stage.server->client().options().subscribe_all);
}

TEST_CASE("when the present connection is lost during a take-over, held events are dropped with a gap") {
  Changed stage;
  stage.change();
  stage.next->text(test::stasis_start("c1"));
  stage.read(*stage.next);
  stage.present->close();
  REQUIRE(stage.until([&] { return stage.told().ends_with("server.resynced"); }));
  CHECK(stage.told() == "server.disconnected server.connected server.gap server.resynced");
  CHECK(stage.told().find("c1") == std::string::npos);
}

TEST_CASE("a second change waits for the take-over of the first") {
  Changed stage;
  stage.change();
  stage.options.client.subscribe_all = false;
  REQUIRE(stage.server->change(stage.options, Milliseconds(0)) == "reconnecting");
  CHECK(stage.sockets().size() == 2);
  stage.present->text(test::app_replaced());
  REQUIRE(stage.until([&] { return stage.sockets().size() == 2 && stage.sockets().at(0) == stage.next; }));
  stage.next->text(test::app_replaced());
  REQUIRE(stage.until([&] { return stage.sockets().size() == 1; }));
  CHECK_FALSE(stage.server->client().options().subscribe_all);
  CHECK(stage.told().find("ApplicationReplaced") == std::string::npos);
}

TEST_CASE("other time-outs need no other connection") {
  Changed stage;
  stage.options.client.subscribe_all = false;
  CHECK(stage.server->change(stage.options, Milliseconds(0)).empty());
  stage.options.client.request_timeout = Milliseconds(1234);
  CHECK(stage.server->change(stage.options, Milliseconds(0)) == "other time-outs");
  CHECK(stage.server->client().options().request_timeout == Milliseconds(1234));
  stage.options.tls_files = 1;
  CHECK(stage.server->change(stage.options, Milliseconds(0)) == "reconnecting");
}
