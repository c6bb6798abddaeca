// What lives, as the records tell.
#include "state/model.h"

#include <map>
#include <random>

#include "record/own_records.h"
#include "tests/catch.h"
#include "tests/support/cpu_time.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::state;

namespace {

struct ModelStage {
  Model model;
  record::EventReader events{[] { return *parse_time("2026-11-22T23:50:00.001Z"); }};
  record::Record record;
  uint64_t seq = 0;

  explicit ModelStage(ModelOptions options = {}) : model(options) {}

  void tell(const std::string& event) {
    events.read(event, event.size(), "pbx1", record);
    INFO(event);
    REQUIRE(record.type != "Malformed");
    model.apply(record, ++seq);
  }
  void tell(const std::string& type, const std::string& members) {
    tell(R"({"type":")" + type + R"(","timestamp":"2026-11-22T23:47:30.000+0000","application":"demo",)" +
         members + "}");
  }
  // That Asterisk tells no more of it.
  void gone(IdKind kind, const std::string& id) {
    record::Record own = record::own_record(record::StateGone{}, "pbx1", wall_now());
    own.ids.add(kind, id);
    model.apply(own, ++seq);
  }
  [[nodiscard]] bool lives(IdKind kind, const std::string& id) const {
    return model.find(kind, id) != nullptr;
  }
};

std::string channel(const std::string& id, const std::string& state = "Up",
                    const std::string& made = "2026-11-22T23:47:29.969+0000") {
  return R"({"id":")" + id + R"(","name":"PJSIP/x","state":")" + state +
         R"(","caller":{"name":"","number":""},)" + R"("creationtime":")" + made + R"("})";
}
std::string with_channel(const std::string& id, const std::string& state = "Up") {
  return R"("channel":)" + channel(id, state);
}
std::string bridge(const std::string& id, const std::string& channels) {
  return R"({"id":")" + id + R"(","technology":"simple_bridge","bridge_type":"mixing","channels":[)" +
         channels + R"(],"creationtime":"2026-11-22T23:47:29.969+0000"})";
}

}  // namespace

TEST_CASE("a channel lives from the first event that shows it to its end") {
  ModelStage stage;
  stage.tell("StasisStart", R"("args":[],)" + with_channel("c1", "Ring"));
  const Object* object = stage.model.find(IdKind::channel, "c1");
  REQUIRE(object != nullptr);
  CHECK(object->app == "demo");
  CHECK(to_rfc3339(object->began) == "2026-11-22T23:47:29.969Z");
  stage.tell("ChannelStateChange", with_channel("c1", "Up"));
  CHECK_THAT(object->text, ContainsSubstring(R"("state":"Up")"));
  CHECK(object->app == "demo");
  CHECK(object->seq == 2);
  CHECK(stage.model.touched_since(2, IdKind::channel, "c1"));
  CHECK_FALSE(stage.model.touched_since(3, IdKind::channel, "c1"));
  stage.tell("StasisEnd", with_channel("c1"));
  CHECK(object->app.empty());
  stage.tell("ChannelDestroyed", R"("cause":16,)" + with_channel("c1"));
  CHECK(stage.model.of(IdKind::channel).size() == 0);
  CHECK(stage.model.touched_since(4, IdKind::channel, "c1"));
  CHECK(stage.model.bytes() == 0);
}

TEST_CASE("what has ended stays ended, and another of the same id lives") {
  ModelStage stage;
  stage.tell("ChannelDestroyed", R"("cause":16,)" + with_channel("c1"));
  stage.tell("ChannelHangupRequest", with_channel("c1"));
  CHECK_FALSE(stage.lives(IdKind::channel, "c1"));
  stage.tell("ChannelCreated", R"("channel":)" + channel("c1", "Down", "2026-11-22T23:59:00.000+0000"));
  CHECK(stage.lives(IdKind::channel, "c1"));
  stage.tell("ChannelHangupRequest", R"("channel":)" + channel("c1", "Up", "2026-11-22T23:59:00.000+0000"));
  CHECK(stage.lives(IdKind::channel, "c1"));

  const std::string playback =
      R"("playback":{"id":"p1","media_uri":"sound:x","target_uri":"channel:c1","state":)";
  stage.tell("PlaybackStarted", playback + R"("playing"})");
  stage.tell("PlaybackFinished", playback + R"("done"})");
  stage.tell("PlaybackContinuing", playback + R"("continuing"})");
  CHECK_FALSE(stage.lives(IdKind::playback, "p1"));
  stage.tell("PlaybackStarted", playback + R"("playing"})");
  CHECK(stage.lives(IdKind::playback, "p1"));
}

TEST_CASE("bridges come, change, merge and end") {
  ModelStage stage;
  stage.tell("BridgeCreated", R"("bridge":)" + bridge("b1", ""));
  stage.tell("ChannelEnteredBridge", R"("bridge":)" + bridge("b1", R"("c1")") + "," + with_channel("c1"));
  CHECK_THAT(stage.model.find(IdKind::bridge, "b1")->text, ContainsSubstring(R"(["c1"])"));
  CHECK(stage.lives(IdKind::channel, "c1"));
  stage.tell("BridgeMerged",
             R"("bridge":)" + bridge("b2", R"("c1")") + R"(,"bridge_from":)" + bridge("b1", ""));
  CHECK_FALSE(stage.lives(IdKind::bridge, "b1"));
  CHECK(stage.lives(IdKind::bridge, "b2"));
  stage.tell("BridgeDestroyed", R"("bridge":)" + bridge("b2", ""));
  CHECK(stage.model.of(IdKind::bridge).size() == 0);
}

TEST_CASE("a playback and a recording end with what they are on") {
  ModelStage stage;
  stage.tell("StasisStart", R"("args":[],)" + with_channel("c1"));
  stage.tell("PlaybackStarted",
             R"("playback":{"id":"p1","media_uri":"sound:x","target_uri":"channel:c1","state":"playing"})");
  stage.tell("RecordingStarted",
             R"("recording":{"name":"r1","format":"wav","target_uri":"channel:c1","state":"recording"})");
  stage.tell("RecordingStarted",
             R"("recording":{"name":"r2","format":"wav","target_uri":"bridge:c1","state":"recording"})");
  stage.tell("ChannelDestroyed", R"("cause":16,)" + with_channel("c1"));
  CHECK(stage.model.of(IdKind::playback).size() == 0);
  CHECK_FALSE(stage.lives(IdKind::recording, "r1"));
  CHECK(stage.lives(IdKind::recording, "r2"));
  stage.tell("RecordingFailed",
             R"("recording":{"name":"r2","format":"wav","target_uri":"bridge:c1","state":"failed"})");
  CHECK(stage.model.bytes() == 0);
}

TEST_CASE("the end of an older channel of the same id takes nothing away from the younger one") {
  const std::string first = R"("channel":)" + channel("c1", "Up", "2026-11-22T23:47:01.000+0000");
  const std::string second = R"("channel":)" + channel("c1", "Ring", "2026-11-22T23:47:01.004+0000");
  ModelStage stage;
  stage.tell("StasisStart", R"("args":[],)" + first);
  stage.tell("ChannelVarset", R"("variable":"A","value":"1",)" + first);
  stage.tell("StasisStart", R"("args":[],)" + second);  // the end of the first is on its way
  stage.tell("PlaybackStarted",
             R"("playback":{"id":"p1","media_uri":"sound:x","target_uri":"channel:c1","state":"playing"})");
  const Object* object = stage.model.find(IdKind::channel, "c1");
  REQUIRE(object != nullptr);
  CHECK(object->variables.empty());
  CHECK(to_rfc3339(object->began) == "2026-11-22T23:47:01.004Z");
  stage.tell("ChannelHangupRequest", first);
  stage.tell("ChannelDestroyed", R"("cause":16,)" + first);
  object = stage.model.find(IdKind::channel, "c1");
  REQUIRE(object != nullptr);
  CHECK(object->app == "demo");
  CHECK_THAT(object->text, ContainsSubstring(R"("state":"Ring")"));
  CHECK(stage.lives(IdKind::playback, "p1"));
  stage.tell("ChannelDestroyed", R"("cause":16,)" + second);
  CHECK_FALSE(stage.lives(IdKind::channel, "c1"));
  CHECK_FALSE(stage.lives(IdKind::playback, "p1"));
  stage.tell("ChannelVarset", R"("variable":"A","value":"1",)" + first);
  CHECK_FALSE(stage.lives(IdKind::channel, "c1"));
  CHECK(stage.model.bytes() == 0);
}

TEST_CASE("a beginning begins, also when it was made in the same millisecond as what has ended") {
  ModelStage stage;
  stage.tell("BridgeCreated", R"("bridge":)" + bridge("b1", ""));
  stage.tell("BridgeDestroyed", R"("bridge":)" + bridge("b1", ""));
  stage.tell("BridgeCreated", R"("bridge":)" + bridge("b1", ""));
  CHECK(stage.lives(IdKind::bridge, "b1"));
  stage.tell("ChannelDestroyed", R"("cause":16,)" + with_channel("c1"));
  stage.tell("ChannelCreated", with_channel("c1"));
  CHECK(stage.lives(IdKind::channel, "c1"));

  // What another application is told of later is the same beginning.
  stage.tell("BridgeDestroyed", R"("bridge":)" + bridge("b1", ""));
  stage.tell(
      R"({"type":"BridgeCreated","timestamp":"2026-11-22T23:47:30.000+0000","application":"other","bridge":)" +
      bridge("b1", "") + "}");
  CHECK_FALSE(stage.lives(IdKind::bridge, "b1"));
}

TEST_CASE("what a transfer shows is as it was before: it does not undo what was told") {
  for (const char* type : {"BridgeAttendedTransfer", "BridgeBlindTransfer"}) {
    ModelStage stage;
    stage.tell("StasisStart", R"("args":[],)" + with_channel("c1"));
    stage.tell("BridgeCreated", R"("bridge":)" + bridge("b1", R"("phone","c1")"));
    stage.tell("ChannelLeftBridge", R"("bridge":)" + bridge("b1", R"("c1")") + "," + with_channel("c1"));
    stage.tell("ChannelEnteredBridge",
               R"("bridge":)" + bridge("b1", R"("c1","new")") + "," + with_channel("new"));
    stage.tell(
        type,
        R"("result":"Success","is_external":true,"exten":"1","context":"x","destination_type":"bridge",)"
        R"("bridge":)" +
            bridge("b1", R"("phone","c1")") + R"(,"transferer_first_leg_bridge":)" +
            bridge("b1", R"("phone","c1")") + R"(,"destination_bridge":"b1","transferee":)" +
            channel("c1", "Ring") + R"(,"replace_channel":)" + channel("phone") + R"(,"channel":)" +
            channel("phone") + R"(,"transferer_first_leg":)" + channel("phone") +
            R"(,"transferer_second_leg":)" + channel("phone2"));
    INFO(type);
    CHECK_THAT(stage.model.find(IdKind::bridge, "b1")->text, ContainsSubstring(R"(["c1","new"])"));
    CHECK_THAT(stage.model.find(IdKind::channel, "c1")->text, ContainsSubstring(R"("state":"Up")"));
    CHECK_FALSE(stage.lives(IdKind::channel, "phone"));
  }
}

TEST_CASE("a recording that goes on elsewhere does not end with what it was on before") {
  ModelStage stage;
  for (const char* on : {"c1", "c2"}) {
    stage.tell("RecordingStarted", R"("recording":{"name":"vm","format":"wav","target_uri":"channel:)" +
                                       std::string(on) + R"(","state":"recording"})");
  }
  stage.tell("ChannelDestroyed", R"("cause":16,)" + with_channel("c1"));
  CHECK(stage.lives(IdKind::recording, "vm"));
  stage.tell("ChannelDestroyed", R"("cause":16,)" + with_channel("c2"));
  CHECK_FALSE(stage.lives(IdKind::recording, "vm"));
}

TEST_CASE("a call that moves is in the application that it came to last") {
  ModelStage stage;
  const auto tell = [&](const std::string& app, const std::string& type) {
    stage.tell(R"({"type":")" + type + R"(","timestamp":"2026-11-22T23:47:30.000+0000","application":")" +
               app + R"(","args":[],)" + with_channel("c1") + "}");
  };
  tell("a1", "StasisStart");
  tell("a2", "StasisStart");
  tell("a1", "StasisEnd");  // each application has a way of its own
  CHECK(stage.model.find(IdKind::channel, "c1")->app == "a2");
  CHECK(stage.model.find(IdKind::channel, "c1")->app_seq == 2);
  tell("a2", "StasisEnd");
  CHECK(stage.model.find(IdKind::channel, "c1")->app.empty());
}

TEST_CASE("whichever application's events come first, a call is where it was moved to last") {
  // Each: what comes, as application, S or E, and Asterisk's time in ms; and where the call is in the end.
  struct Case {
    std::vector<std::string> events;
    const char* app;
  };
  const Case cases[] = {
      {{"aS1", "bS2", "cS3", "aE2", "bE3"}, "c"}, {{"aS1", "bS2", "cS3", "bE3", "aE2"}, "c"},
      {{"aS1", "aE2", "aS3", "bS2", "bE3"}, "a"}, {{"aS1", "cS3", "bS2", "bE3", "aE2"}, "c"},
      {{"aS1", "bS1", "aE1", "bE1"}, ""},         {{"aS1", "aE2", "bS2", "aS3", "bE3"}, "a"},
      {{"aS1", "bS2", "aE2", "aS3", "bE3"}, "a"}, {{"aS1", "aE2", "bS2", "bE5"}, ""},
      {{"aS1", "aE1", "aS1", "bS1", "bE1"}, ""},  // all in one millisecond: that can't be told
  };
  for (const Case& one : cases) {
    ModelStage stage;
    std::string all;
    for (const std::string& text : one.events) {
      all += text + " ";
      stage.tell(R"({"type":")" + std::string(text[1] == 'S' ? "StasisStart" : "StasisEnd") +
                 R"(","timestamp":"2026-11-22T23:47:30.00)" + text[2] + R"(+0000","application":")" +
                 text[0] + R"(","args":[],)" + with_channel("c1") + "}");
    }
    INFO(all);
    CHECK(stage.model.find(IdKind::channel, "c1")->app == one.app);
  }
}

TEST_CASE("an end in an application that the call was not known to be in says that it has left it") {
  ModelStage stage;
  const auto tell = [&](const std::string& app, const std::string& type) {
    stage.tell(R"({"type":")" + type + R"(","timestamp":"2026-11-22T23:47:3)" +
               (type == "StasisStart" ? "0" : "1") + R"(.000+0000","application":")" + app +
               R"(","args":[],)" + with_channel("c1") + "}");
  };
  tell("a1", "StasisStart");
  tell("a2", "StasisEnd");  // it was moved while nobody listened
  CHECK(stage.model.find(IdKind::channel, "c1")->app.empty());
  CHECK(stage.model.find(IdKind::channel, "c1")->app_seq == 2);
}

TEST_CASE("what Asterisk does not report is taken over from state.changed") {
  ModelStage stage;
  stage.tell("StasisStart", R"("args":[],)" + with_channel("c1", "Ring"));
  stage.tell(
      "PlaybackStarted",
      R"("playback":{"id":"p1","media_uri":"recording:x","target_uri":"channel:c1","state":"playing"})");
  record::Record changed = test::record_of("state.changed");
  changed.app = "demo";
  changed.add_member("objects", R"({"channels":[{"app":"demo","channel":)" + channel("c1", "Up") +
                                    R"(},{"channel":)" + channel("c2") + R"(}],"bridges":[{"bridge":)" +
                                    bridge("b1", R"("c1")") +
                                    R"(}],"playbacks":[{"playback":{"id":"p1","media_uri":"recording:x",)"
                                    R"("target_uri":"channel:c1","state":"failed"}}]})");
  stage.model.apply(changed, ++stage.seq);
  CHECK_THAT(stage.model.find(IdKind::channel, "c1")->text, ContainsSubstring(R"("state":"Up")"));
  CHECK(stage.model.find(IdKind::channel, "c1")->app == "demo");
  CHECK(stage.model.find(IdKind::channel, "c2")->app.empty());
  CHECK(stage.lives(IdKind::bridge, "b1"));
  CHECK_FALSE(stage.lives(IdKind::playback, "p1"));

  // A playback of an id that one had before is told of although it waits for its turn.
  record::Record queued = test::record_of("state.changed", "pbx1", "");
  queued.add_member("objects", R"({"playbacks":[{"playback":{"id":"p1","media_uri":"sound:x",)"
                               R"("target_uri":"channel:c1","state":"queued"}}]})");
  stage.model.apply(queued, ++stage.seq);
  CHECK(stage.lives(IdKind::playback, "p1"));

  for (const char* objects : {"[]", "{}", R"({"channels":5})", R"({"channels":[5,{},{"channel":"c1"}]})"}) {
    record::Record odd = test::record_of("state.changed", "pbx1", "");
    odd.add_member("objects", objects);
    stage.model.apply(odd, ++stage.seq);
  }
  CHECK(stage.model.of(IdKind::channel).size() == 2);
}

TEST_CASE("endpoints and devices are known by what they are called") {
  ModelStage stage;
  stage.tell("EndpointStateChange",
             R"("endpoint":{"technology":"PJSIP","resource":"100","state":"online","channel_ids":[]})");
  stage.tell("DeviceStateChanged", R"("device_state":{"name":"Stasis:x","state":"BUSY"})");
  CHECK(stage.lives(IdKind::endpoint, "PJSIP/100"));
  CHECK(stage.lives(IdKind::device, "Stasis:x"));
}

TEST_CASE("several things shown by one event, with ids that need decoding") {
  ModelStage stage;
  stage.tell("Dial", R"("dialstatus":"","peer":)" + channel("p\\\"1") + R"(,"caller":)" + channel("c1"));
  CHECK(stage.lives(IdKind::channel, "p\"1"));
  CHECK(stage.lives(IdKind::channel, "c1"));
}

TEST_CASE("variables are known as far as events told them, and bounded") {
  ModelStage stage({.max_variables = 3, .max_variable_bytes = 100});
  const auto set = [&](const std::string& name, const std::string& value) {
    stage.tell("ChannelVarset",
               R"("variable":")" + name + R"(","value":")" + value + R"(",)" + with_channel("c1"));
  };
  const auto names = [&] {
    std::string all;
    for (const auto& [name, value] : stage.model.find(IdKind::channel, "c1")->variables) all += name + value;
    return all;
  };
  set("A", "1");
  set("B", "2");
  set("A", "3");
  CHECK(names() == R"("B""2""A""3")");
  set("C", "4");
  set("D", "5");
  CHECK(names() == R"("A""3""C""4""D""5")");
  set("E", std::string(90, 'x'));
  CHECK(names() == R"("E")" + ("\"" + std::string(90, 'x') + "\""));
  set("F", std::string(200, 'x'));
  CHECK(names().find('F') == std::string::npos);
  stage.tell("ChannelVarset", R"("variable":"GLOBAL","value":"1")");
  stage.tell("ChannelDestroyed", R"("cause":16,)" + with_channel("c1"));
  CHECK(stage.model.bytes() == 0);
}

TEST_CASE("there is doubt after a channel left an application or a bridge, or what is gone shows again") {
  ModelStage stage;
  stage.tell("StasisStart", R"("args":[],)" + with_channel("c1"));
  CHECK_FALSE(stage.model.take_doubt());
  stage.tell("StasisEnd", with_channel("c1"));
  CHECK(stage.model.take_doubt());
  CHECK_FALSE(stage.model.take_doubt());
  stage.gone(IdKind::channel, "c1");
  CHECK_FALSE(stage.lives(IdKind::channel, "c1"));
  stage.tell("ChannelVarset", R"("variable":"A","value":"1",)" + with_channel("c1"));
  CHECK(stage.lives(IdKind::channel, "c1"));
  CHECK(stage.model.take_doubt());
  stage.tell("ChannelLeftBridge", R"("bridge":)" + bridge("b1", "") + "," + with_channel("c1"));
  CHECK(stage.model.take_doubt());
}

TEST_CASE("the model is bounded: the longest unchanged are forgotten") {
  ModelStage stage({.max_objects = 80, .max_ended = 10});
  for (int i = 0; i < 1000; ++i) {
    stage.tell("ChannelStateChange", with_channel("c" + std::to_string(i)));
    stage.tell("ChannelStateChange", with_channel("c0"));
    REQUIRE(stage.model.of(IdKind::channel).size() <= 80);
  }
  CHECK(stage.lives(IdKind::channel, "c0"));
  CHECK(stage.lives(IdKind::channel, "c999"));
  CHECK(stage.model.forgotten() + stage.model.of(IdKind::channel).size() == 1000);

  ModelStage bytes({.max_bytes = 10'000});
  for (int i = 0; i < 1000; ++i) bytes.tell("ChannelStateChange", with_channel("c" + std::to_string(i)));
  CHECK(bytes.model.bytes() <= 10'300);
  CHECK(bytes.lives(IdKind::channel, "c999"));
}

TEST_CASE("odd events teach nothing and do no harm") {
  ModelStage stage;
  stage.tell("ChannelStateChange", R"("channel":"c1")");
  stage.tell("ChannelStateChange", R"("channel":{})");
  stage.tell("ChannelStateChange", R"("channel":{"id":5})");
  stage.tell("ChannelStateChange", R"("channel":{"id":""})");
  stage.tell("ChannelStateChange", R"("channel":[)" + channel("c1") + "]");
  stage.tell("EndpointStateChange", R"("endpoint":{"technology":"PJSIP"})");
  stage.tell("NoSuchType", with_channel("c1"));
  stage.tell("ChannelVarset", R"("variable":5,"value":null,)" + with_channel("c2"));
  for (size_t kind = 0; kind < record::object_kinds; ++kind) {
    CHECK(stage.model.of(static_cast<IdKind>(kind)).size() == (kind == 0 ? 1 : 0));
  }
}

// Against a model that a child could write: random events, of few ids, so that they meet.
TEST_CASE("whatever the order of events, the model holds what was shown last and has not ended") {
  ModelStage stage;
  std::mt19937 random(20261123);
  const auto any = [&](int below) { return static_cast<int>(random() % static_cast<unsigned>(below)); };
  struct Plain {
    std::string state;
    std::string made;
  };
  std::map<std::string, Plain> lives;
  std::map<std::string, std::string> ended;  // with its creationtime
  for (int i = 0; i < 20'000; ++i) {
    const std::string id = "c" + std::to_string(any(12));
    const std::string made = "2026-11-22T23:47:0" + std::to_string(any(4)) + ".000Z";
    const std::string state = std::vector<std::string>{"Down", "Ring", "Up"}[static_cast<size_t>(any(3))];
    const std::string text = R"("channel":)" + channel(id, state, made);
    if (any(4) == 0) {
      stage.tell("ChannelDestroyed", R"("cause":16,)" + text);
      if (lives.contains(id) && lives[id].made > made) continue;  // the end of an older one
      if (!lives.contains(id) && ended.contains(id) && ended[id] > made) continue;
      lives.erase(id);
      ended[id] = made;
    } else {
      const bool begins = any(3) == 0;
      stage.tell(begins        ? "ChannelCreated"
                 : any(2) == 0 ? "ChannelStateChange"
                               : "ChannelDtmfReceived",
                 R"("digit":"1","duration_ms":5,)" + text);
      if (lives.contains(id) && lives[id].made > made) continue;
      if (!lives.contains(id) && ended.contains(id) && (ended[id] > made || (ended[id] == made && !begins)))
        continue;
      ended.erase(id);
      lives[id] = {state, made};
    }
    REQUIRE(stage.model.of(IdKind::channel).size() == lives.size());
    for (const auto& [each, plain] : lives) {
      const Object* object = stage.model.find(IdKind::channel, each);
      REQUIRE(object != nullptr);
      REQUIRE(object->text.find(R"("state":")" + plain.state + "\"") != std::string::npos);
      REQUIRE(object->text.find(plain.made) != std::string::npos);
    }
  }
}

TEST_CASE("very many playbacks on one channel end in a time that grows with their number") {
  ModelStage stage;
  const auto playback = [](int number, const char* target) {
    return R"("playback":{"id":"p)" + std::to_string(number) + R"(","media_uri":"sound:x","target_uri":")" +
           target + R"(","language":"en","state":"playing"})";
  };
  constexpr int count = 20'000;
  for (int i = 0; i < count; ++i) stage.tell("PlaybackStarted", playback(i, "channel:c1"));
  const auto begin = test::cpu_time();
  for (int i = 0; i < count; ++i) stage.tell("PlaybackFinished", playback(i, "channel:c1"));
  CHECK(test::cpu_time() - begin < std::chrono::seconds(2));  // the square of it: 4 s and more
  CHECK(stage.model.of(IdKind::playback).size() == 0);
  CHECK(stage.model.bytes() == 0);

  // One that is shown on another target ends with that one.
  stage.tell("PlaybackStarted", playback(1, "channel:c1"));
  stage.tell("PlaybackStarted", playback(1, "channel:c2"));
  stage.tell("ChannelDestroyed", R"("cause":16,)" + with_channel("c1"));
  CHECK(stage.lives(IdKind::playback, "p1"));
  stage.tell("ChannelDestroyed", R"("cause":16,)" + with_channel("c2"));
  CHECK_FALSE(stage.lives(IdKind::playback, "p1"));
}

TEST_CASE("an answer that shows nothing is no news") {
  ModelStage stage;
  for (const char* text : {"", "null", "<html>", "[]", R"({"name":)", R"({"id":7})"}) {
    CHECK_FALSE(stage.model.is_news(IdKind::channel, text, 0));
    CHECK_FALSE(stage.model.is_news(IdKind::playback, text, 0));
    CHECK_FALSE(stage.model.is_news(IdKind::recording, text, 0));
  }
}
