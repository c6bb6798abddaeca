#include "control/methods/live_snapshot.h"

#include <map>
#include <random>
#include <unordered_map>

#include "control/methods/state_methods.h"
#include "control/visibility.h"
#include "json/json_builder.h"
#include "json/json_tape.h"
#include "tests/catch.h"
#include "tests/unit/helpers.h"
#include "tests/unit/pbx/test_server.h"

using namespace aribus;
using namespace aribus::control;
using aribus::record::IdKind;
using aribus::state::Model;

namespace {

// The lists as they are to look, made in the simplest way from the present objects.
std::string list_of(const std::vector<const pbx::Server*>& servers, IdKind kind, const AccessRule& rule,
                    const std::string& app = {}, const std::string& bridge = {}) {
  std::vector<std::string> items;
  for (const pbx::Server* server : servers) {
    const Model& model = server->model();
    std::map<std::string, std::string> seats;
    for (const auto& [id, object] : model.of(IdKind::bridge)) {
      JsonTape tape;
      for (const auto& channel : tape.read(object.text).find("channels").children())
        seats[channel.value().string()] = id;
    }
    for (const auto& [id, object] : model.of(kind)) {
      if (!sees_object(rule, model, kind, object)) continue;
      if (!app.empty() && object.app != app) continue;
      if (!bridge.empty() && seats[id] != bridge) continue;
      ObjectBuilder item;
      item.text("server", server->name());
      if (kind == IdKind::channel) {
        if (!object.app.empty()) item.text("app", object.app);
        if (!seats[id].empty()) item.text("bridge", seats[id]);
        item.text("began", to_rfc3339(object.began));
        std::string variables;
        for (const auto& [name, value] : object.variables)
          variables += (variables.empty() ? "" : ",") + name + ":" + value;
        if (!variables.empty()) item.json("variables", "{" + variables + "}");
      }
      std::string text = object.text;
      if (kind == IdKind::endpoint) {
        ObjectBuilder shown;
        JsonTape tape;
        for (const auto& member : tape.read(text).children()) {
          if (member.name().string() != "channel_ids") shown.json(member.name().string(), member.value().text());
        }
        text = shown.str();
      }
      items.push_back(item.json(record::object_name(kind), text).str());
    }
  }
  return array_text(items);
}

std::string snapshot_of(const std::vector<const pbx::Server*>& servers, const AccessRule& rule) {
  ObjectBuilder snapshot;
  for (size_t i = 0; i < record::object_kinds; ++i) {
    const auto kind = static_cast<IdKind>(i);
    snapshot.json(record::field_name(kind), list_of(servers, kind, rule));
  }
  return snapshot.str();
}

struct SnapshotStage {
  Loop loop;
  MethodTable methods;
  Dispatcher dispatcher{methods};
  test::TestServer one{loop, test::client_options(test::nowhere, {"ivr"}), "pbx\"1"};
  test::TestServer two{loop, test::client_options(test::nowhere, {"ivr"}), "pbx2"};
  AccessRule all{.name = "all", .methods = {"read"}};
  std::mt19937 random{3};

  SnapshotStage() {
    methods.add(state_methods({}));
    dispatcher.add_server(one);
    dispatcher.add_server(two);
  }
  unsigned any(unsigned below) { return static_cast<unsigned>(random() % below); }
  // Something happens on one of the Asterisks.
  void step(unsigned channels) {
    test::TestServer& server = any(2) == 0 ? one : two;
    const std::string app = any(2) == 0 ? "ivr" : "crm";
    const std::string id = "c" + std::to_string(any(channels));
    const std::string channel = R"("channel":{"id":")" + id + R"(","name":")" + std::string(any(300), 'n') +
                                R"(","state":"Up"})";
    const auto tell = [&](const std::string& type, const std::string& members) {
      server.event(R"({"type":")" + type + R"(","application":")" + app +
                   R"(","timestamp":"2026-01-01T00:00:00.000+0000",)" + members + "}");
    };
    switch (any(8)) {
      case 0:
        return tell("StasisStart", R"("args":[],)" + channel);
      case 1:
        return tell("ChannelDestroyed", R"("cause":16,"cause_txt":"",)" + channel);
      case 2:
        return tell("ChannelVarset", R"("variable":"V)" + std::to_string(any(4)) + R"(","value":"a\"b",)" + channel);
      case 3:
        return tell("BridgeCreated", R"("bridge":{"id":"b)" + id +  // a channel is in one bridge at most
                                         R"(","technology":"x","channels":[")" + id + R"("]})");
      case 4:
        return tell("EndpointStateChange", R"("endpoint":{"technology":"PJSIP","resource":")" + id +
                                               R"(","state":"online","channel_ids":["x"]})");
      case 5:
        return tell("PlaybackStarted", R"("playback":{"id":"p)" + std::to_string(any(50)) +
                                           R"(","media_uri":"sound:x","target_uri":"channel:)" + id +
                                           R"(","language":"en","state":"playing"})");
      default:
        return tell("ChannelCreated", channel);
    }
  }
};

// The calls come last.
std::string without_calls(const std::string& snapshot) {
  const size_t calls = snapshot.find(R"(,"calls":[)");
  REQUIRE(calls != std::string::npos);
  REQUIRE(snapshot.ends_with("]}"));
  return snapshot.substr(0, calls) + "}";
}

}  // namespace

TEST_CASE("a snapshot is what the objects were, byte for byte, however late it is written") {
  SnapshotStage stage;
  const AccessRule bounded{.name = "ivr", .methods = {"read"}, .apps = {"ivr"}};
  const std::vector<const pbx::Server*> both{&stage.one, &stage.two}, second{&stage.two};
  for (const unsigned channels : {5U, 2000U}) {
    for (int round = 0; round < 20; ++round) {
      for (unsigned i = 0; i < channels / 2; ++i) stage.step(channels);
      const pbx::ResultText whole = live_snapshot(stage.dispatcher, {}, stage.all);
      const pbx::ResultText of_two = live_snapshot(stage.dispatcher, {"pbx2"}, stage.all);
      const pbx::ResultText visible = live_snapshot(stage.dispatcher, {}, bounded);
      const std::string expected = snapshot_of(both, stage.all), expected_of_two = snapshot_of(second, stage.all),
                        expected_visible = snapshot_of(both, bounded);
      const auto reader =
          whole.pieces().front().made ? whole.pieces().front().made->read() : std::unique_ptr<pbx::MadeText::Reader>();
      std::string slowly, piece;
      for (unsigned i = 0; i < channels / 10; ++i) stage.step(channels);
      for (bool more = reader != nullptr; more; slowly += piece) {
        more = reader->next(piece);
        CHECK(piece.size() < (128 << 10));
        stage.step(channels);
      }
      if (reader) REQUIRE(slowly == whole.str());
      REQUIRE(without_calls(whole.str()) == expected);
      REQUIRE(without_calls(of_two.str()) == expected_of_two);
      REQUIRE(without_calls(visible.str()) == expected_visible);
    }
  }
  // A large one was made while it was written.
  CHECK(live_snapshot(stage.dispatcher, {}, stage.all).pieces().front().made);
}

TEST_CASE("lists are bounded by what they are asked for, and show the cursor") {
  SnapshotStage stage;
  for (int i = 0; i < 4000; ++i) stage.step(300);
  const std::vector<const pbx::Server*> both{&stage.one, &stage.two}, first{&stage.one};
  const auto channels = [&](const std::string& params) {
    return live_objects(stage.dispatcher, "s:7", IdKind::channel, test::json(params), stage.all).value().str();
  };
  const auto expected = [](const std::string& list) { return R"({"cursor":"s:7","channels":)" + list + "}"; };
  CHECK(channels("{}") == expected(list_of(both, IdKind::channel, stage.all)));
  CHECK(channels(R"({"app":"crm"})") == expected(list_of(both, IdKind::channel, stage.all, "crm")));
  CHECK(channels(R"({"server":"pbx\"1"})") == expected(list_of(first, IdKind::channel, stage.all)));
  CHECK(channels(R"({"id":"nobody"})") == expected("[]"));
}

TEST_CASE("thirty snapshots share the objects, and keep what has changed only while they exist") {
  SnapshotStage stage;
  const std::string name(1000, 'n');
  const auto tell = [&](int i) {
    stage.one.event(R"({"type":"ChannelCreated","application":"ivr","channel":{"id":"c)" + std::to_string(i) +
                    R"(","name":")" + name + R"(","state":"Up"}})");
  };
  constexpr int count = 1000;
  for (int i = 0; i < count; ++i) tell(i);
  std::vector<pbx::ResultText> taken;
  for (int i = 0; i < 30; ++i) {
    taken.push_back(live_snapshot(stage.dispatcher, {}, stage.all));
    tell(i);  // each at a cursor of its own
  }
  size_t held = 0;
  for (const pbx::ResultText& one : taken) {
    CHECK(one.pieces().front().made->size() > 1'000'000);
    held += one.held_bytes();
  }
  // The thirty objects that have changed, and a buffer for each to be written: not thirty times a megabyte.
  CHECK(held < 30 * ((64 << 10) + 4000));
  for (int i = 0; i < count; ++i) tell(i);
  held = 0;
  for (const pbx::ResultText& one : taken) held += one.held_bytes();
  CHECK(held > 1'000'000);
  CHECK(held < 30 * (64 << 10) + 3'000'000);
  const std::weak_ptr<const state::Frozen> version = stage.one.freeze();
  taken.clear();
  CHECK(version.expired());
}

TEST_CASE("a leg that is on hold says so, as long as it is") {
  SnapshotStage stage;
  const auto tell = [&](const std::string& type, const std::string& more) {
    stage.two.event(R"({"type":")" + type +
                    R"(","application":"ivr","timestamp":"2026-01-01T00:00:00.000+0000",)" + more +
                    R"("channel":{"id":"c1","name":"PJSIP/1-1","state":"Up"}})");
  };
  const auto leg = [&] {
    const Json answer = test::json(
        live_objects(stage.dispatcher, "s:7", IdKind::call, test::json("{}"), stage.all).value().str());
    return to_text((*find((*find(answer, "calls"))[0], "call"))["legs"][0]);
  };
  tell("StasisStart", R"("args":[],)");
  CHECK_THAT(leg(), !ContainsSubstring("held"));
  tell("ChannelHold", "");
  CHECK_THAT(leg(), ContainsSubstring(R"("held":true)"));
  tell("ChannelUnhold", "");
  CHECK_THAT(leg(), !ContainsSubstring("held"));
}
