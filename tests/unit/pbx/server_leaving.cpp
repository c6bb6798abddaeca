// An Asterisk that is taken out of the configuration.
#include "tests/unit/pbx/server_stage.h"

using namespace aribus;
using aribus::pbx::State;
using aribus::test::FakeAsterisk;
using aribus::test::ServerStage;

TEST_CASE("a server that leaves closes its connection in order, and tells why") {
  ServerStage stage;
  stage.connect();
  FakeAsterisk::Peer* const socket = stage.asterisk.websocket();
  int left = 0;
  stage.server->leave("it was removed", Milliseconds(0), [&] { ++left; });
  CHECK(stage.server->closed());
  CHECK(stage.server->state() == State::leaving);
  CHECK(left == 0);
  REQUIRE(stage.until([&] { return stage.server->is_gone(); }));
  CHECK(left == 1);
  CHECK_FALSE(socket->open());
  CHECK(stage.told() == "server.disconnected");
  CHECK(stage.field("server.disconnected", "reason") == "it was removed");
  CHECK(stage.asterisk.count("DELETE /ari/applications/demo/subscription?eventSource=deviceState%3A") == 1);
  CHECK(stage.sockets().empty());
}

TEST_CASE("commands under way are answered before a server leaves") {
  ServerStage stage;
  stage.connect();
  FakeAsterisk::Peer* waiting = nullptr;
  stage.asterisk.set_script([&](FakeAsterisk::Peer& peer, const std::string& request) {
    request.starts_with("POST") ? static_cast<void>(waiting = &peer) : stage.answer(peer, request);
  });
  bool answered = false, left = false;
  stage.server->call(*ari::find_operation("channels.answer"), test::json(R"({"channelId":"c1"})"), {},
                     [&](const Result<pbx::ResultText>&) { answered = true; });
  REQUIRE(stage.until([&] { return waiting != nullptr; }));
  stage.server->leave("it was removed", Milliseconds(60'000), [&] { left = true; });
  stage.asterisk.websocket()->text(test::stasis_start("c1"));
  REQUIRE(stage.until([&] { return stage.told() == "StasisStart/c1"; }));
  CHECK_FALSE(left);
  waiting->answer(204, "");
  REQUIRE(stage.until([&] { return left; }));
  CHECK(answered);
}

TEST_CASE("a server that is not connected leaves without a record") {
  ServerStage stage;
  bool left = false;
  stage.server->leave("it was removed", Milliseconds(0), [&] { left = true; });
  REQUIRE(stage.until([&] { return left && stage.server->is_gone(); }));
  CHECK(stage.records.empty());
}

TEST_CASE("a server that leaves during a take-over takes both connections along") {
  ServerStage stage;
  stage.connect();
  stage.options.client.subscribe_all = true;
  REQUIRE(stage.server->change(stage.options, Milliseconds(0)) == "reconnecting");
  REQUIRE(stage.until([&] { return stage.sockets().size() == 2; }));
  stage.server->leave("it was removed", Milliseconds(0), [] {});
  REQUIRE(stage.until([&] { return stage.server->is_gone(); }));
  REQUIRE(stage.until([&] { return stage.sockets().empty(); }));
  CHECK(stage.told() == "server.disconnected");
}

TEST_CASE("the objects of a server that is forgotten are gone, and it is removed") {
  ServerStage stage;
  stage.connect();
  stage.asterisk.websocket()->text(test::stasis_start("c1"));
  REQUIRE(stage.until([&] { return stage.records.size() == 1; }));
  stage.server->leave("it was removed", Milliseconds(0), [] {});
  REQUIRE(stage.until([&] { return stage.server->is_gone(); }));
  stage.records.clear();
  CHECK(stage.server->forget());
  CHECK(stage.told() == "state.gone/c1 server.removed");
  CHECK(stage.server->model().find(state::IdKind::channel, "c1") == nullptr);
  stage.records.clear();
  CHECK(stage.server->forget());
  CHECK(stage.told().empty());  // once
}

TEST_CASE("very many objects of an Asterisk that is removed are gone in several turns") {
  Loop loop;
  std::vector<record::Record> records;
  test::TestServer server(loop, test::client_options(test::nowhere, {"demo"}));
  constexpr size_t count = 2000;
  for (size_t i = 0; i < count; ++i) {
    server.event(R"({"type":"ChannelCreated","application":"demo","channel":{"id":"c)" + std::to_string(i) +
                 R"(","name":"x","state":"Up"}})");
  }
  server.on_record = [&](const record::Record& record) { records.push_back(record); };
  CHECK_FALSE(server.forget());
  const size_t at_once = records.size();
  CHECK(test::pump(loop, [&] { return server.forget(); }));
  CHECK(records.size() > at_once);
  CHECK(records.back().type == "server.removed");
  size_t gone = 0;
  for (const record::Record& record : records) {
    CHECK(record.ids.size() <= 256);
    gone += record.type == "state.gone" ? record.ids.size() : 0;
  }
  CHECK(gone == count);
  CHECK(server.model().of(record::IdKind::channel).size() == 0);
}
