// A server that is stopped, or gets another configuration, in the middle of a comparison.
#include <algorithm>

#include "tests/unit/pbx/server_stage.h"

using namespace aribus;
using aribus::pbx::State;
using aribus::record::IdKind;
using aribus::test::FakeAsterisk;
using aribus::test::ServerStage;

namespace {

constexpr size_t compared_channels = 600;

// At an Asterisk with so many channels that comparing takes many turns; it is in the middle of that. While
// Asterisk is still asked for the channels, `before` happens.
struct Comparing : ServerStage {
  explicit Comparing(const std::function<void(Comparing&)>& before = {}) {
    std::string list, ids;
    for (size_t i = 0; i < compared_channels; ++i) {
      const std::string id = "\"c" + std::to_string(i) + '"', comma = i == 0 ? "" : ",";
      list += comma + R"({"id":)" + id +
              R"(,"name":"x","state":"Up","creationtime":"2026-11-22T21:46:17.690+0000",)" +
              R"("dialplan":{"context":"x","exten":"1","priority":1,"app_name":"Stasis","app_data":"demo"}})";
      ids += comma + id;
    }
    list = '[' + list + ']';
    const std::string application = R"({"name":"demo","channel_ids":[)" + ids +
                                    R"(],"bridge_ids":[],"endpoint_ids":[],"device_names":[],)" +
                                    R"("events_allowed":[],"events_disallowed":[]})";
    Peer* asking = nullptr;
    asterisk.set_script([&, this](Peer& peer, const std::string& request) {
      if (request.starts_with("GET /ari/channels ")) return static_cast<void>(asking = &peer);
      if (request.starts_with("GET /ari/applications/demo ")) return peer.answer(200, application);
      answer(peer, request);
    });
    server->connect();
    REQUIRE(until([&] { return asking != nullptr; }));
    if (before) before(*this);
    asterisk.set_script([this, list, application](Peer& peer, const std::string& request) {
      if (request.starts_with("GET /ari/channels ")) return peer.answer(200, list);
      if (request.starts_with("GET /ari/applications/demo ")) return peer.answer(200, application);
      answer(peer, request);
    });
    asking->answer(200, list);
    REQUIRE(until([&] { return count("StasisStart") > 20; }));
    REQUIRE(count("StasisStart") < compared_channels);
    REQUIRE(server->state() == State::syncing);
  }
  [[nodiscard]] size_t count(const std::string& type) const {
    return static_cast<size_t>(std::ranges::count(records, type, &record::Record::type));
  }
  // It has compared everything, and told each channel once.
  void check_complete() {
    REQUIRE(until([&] { return server->state() == State::ready && server->client().open_requests() == 0; }));
    CHECK(count("StasisStart") == compared_channels);
    CHECK(count("server.resynced") == 1);
    CHECK(count("StasisEnd") + count("ChannelDestroyed") + count("state.gone") + count("state.changed") == 0);
    CHECK(server->model().of(IdKind::channel).size() == compared_channels);
  }
};

}  // namespace

TEST_CASE("a server that leaves in the middle of a comparison compares nothing more") {
  Comparing stage;
  stage.server->leave("aribusd was stopped", Milliseconds(0), [] {});
  REQUIRE(stage.until([&] { return stage.server->is_gone(); }));
  CHECK(stage.count("StasisStart") < compared_channels);
  CHECK(stage.count("server.resynced") == 0);
  CHECK(stage.records.back().type == "server.disconnected");
  // What was told of is told to be gone, and nothing else.
  const size_t known = stage.count("StasisStart");
  CHECK(stage.server->model().of(IdKind::channel).size() == known);
  stage.records.clear();
  REQUIRE(stage.until([&] { return stage.server->forget(); }));
  size_t gone = 0;
  for (const record::Record& record : stage.records)
    gone += record.type == "state.gone" ? record.ids.of(IdKind::channel).size() : 0;
  CHECK(gone == known);
  CHECK(stage.records.back().type == "server.removed");
}

TEST_CASE("a server that ends in the middle of a comparison leaves nothing behind") {
  Comparing stage;
  const size_t told = stage.records.size();
  stage.server.reset();
  for (int i = 0; i < 10; ++i) uv_run(stage.loop.raw(), UV_RUN_NOWAIT);
  CHECK(stage.records.size() == told);
}

TEST_CASE("other time-outs do not disturb a comparison") {
  Comparing stage;
  stage.options.client.request_timeout = Milliseconds(50'000);
  CHECK(stage.server->change(stage.options, Milliseconds(0)) == "other time-outs");
  stage.check_complete();
}

TEST_CASE("a connection that takes over in the middle of a comparison finishes it") {
  Comparing stage([](Comparing& self) {
    self.options.client.subscribe_all = true;
    REQUIRE(self.server->change(self.options, Milliseconds(0)) == "reconnecting");
    REQUIRE(self.until([&] { return self.sockets().size() == 2; }));
  });
  FakeAsterisk::Peer* const present = stage.sockets().at(0);
  present->text(test::app_replaced());
  REQUIRE(stage.until([&] { return stage.count("server.connected") == 2; }));
  CHECK(stage.count("server.resynced") == 0);
  REQUIRE(stage.until([&] { return !present->open(); }));
  stage.check_complete();
}
