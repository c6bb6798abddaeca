// Finding out what happened while nobody listened.
#include "pbx/resync.h"

#include "state/difference.h"
#include "tests/catch.h"
#include "tests/support/cpu_time.h"
#include "tests/support/fake_asterisk.h"
#include "tests/unit/helpers.h"
#include "tests/unit/state/difference.h"

using namespace aribus;
using namespace aribus::pbx;
using namespace aribus::state;
using aribus::test::FakeAsterisk;
using aribus::test::json;
using aribus::test::pump;

namespace {

std::string channel(const std::string& id, const std::string& app_name, const std::string& app_data,
                    const std::string& state = "Up") {
  return R"({"id":")" + id + R"(","name":"PJSIP/x","state":")" + state +
         R"(","caller":{"name":"","number":""},)" +
         R"("dialplan":{"context":"x","exten":"x","priority":1,"app_name":")" + app_name +
         R"(","app_data":")" + app_data + R"("},"creationtime":"2026-11-22T23:47:29.969+0000"})";
}
std::string bridge(const std::string& id, const std::string& channels) {
  return R"({"id":")" + id +
         R"(","technology":"simple_bridge","bridge_type":"mixing","bridge_class":"stasis",)" +
         R"("creator":"Stasis","name":"","channels":[)" + channels +
         R"(],"creationtime":"2026-11-22T23:47:29.969+0000"})";
}
std::string event(const std::string& type, const std::string& members) {
  return R"({"type":")" + type + R"(","timestamp":"2026-11-22T23:47:30.000+0000",)" + members +
         R"(,"application":"demo"})";
}

// A Resync at an Asterisk whose answers the test gives; events go through it as through the daemon.
struct ResyncStage {
  Loop loop;
  FakeAsterisk asterisk{loop, test::behave_well};
  std::unique_ptr<ari::Client> client;
  Model model;
  record::EventReader events;
  std::vector<record::Record> records;
  std::vector<std::string> failures, silent, heard;
  std::unique_ptr<Resync> sync;
  std::map<std::string, std::string> answers;  // by path; others get 404
  std::string application = R"("channel_ids":[],"bridge_ids":[],"endpoint_ids":[],"device_names":[])";
  std::string filter = R"("events_allowed":[],"events_disallowed":[])";
  const bool fences;  // whether they come back
  int done = 0;

  explicit ResyncStage(bool fences_come = true) : fences(fences_come) {
    ari::ClientOptions options;
    options.url = asterisk.url();
    options.apps = {"demo"};
    ari::Client::Handlers handlers;
    handlers.message = [this](std::string_view text, size_t total_bytes) {
      record::Record record;
      events.read(text, total_bytes, "pbx1", record);
      if (!sync->take(record)) publish(record);
    };
    handlers.application_answered = [this](const auto& request, const auto& response) {
      sync->see(request, response);
    };
    client = ari::Client::make(loop, options, handlers).value();
    sync =
        std::make_unique<Resync>("pbx1", *client, model,
                                 Resync::Handlers{[this](const record::Record& record) { publish(record); },
                                                  [this] { return records.size(); }, [this] { ++done; },
                                                  [this](const std::string& why) { failures.push_back(why); },
                                                  [this](const std::string& app) { silent.push_back(app); },
                                                  [this](const std::string& app) { heard.push_back(app); }},
                                 ResyncOptions{.fence_timeout = Milliseconds(fences ? 30'000 : 100),
                                               .first_pause = Milliseconds(20),
                                               .longest_pause = Milliseconds(40),
                                               .first_look = Milliseconds(10),
                                               .longest_look = Milliseconds(80)});
    client->connect();
    REQUIRE(pump(loop, [&] { return client->is_connected(); }));
    answers["/channels"] = answers["/bridges"] = answers["/endpoints"] = answers["/deviceStates"] = "[]";
    asterisk.set_script([this](auto& peer, const std::string& request) { script(peer, request); });
  }

  void script(FakeAsterisk::Peer& peer, const std::string& request) {
    const size_t begin = request.find("/ari") + 4;
    const std::string path = request.substr(begin, request.find_first_of(" ?", begin) - begin);
    constexpr std::string_view user = "/events/user/";
    if (path.starts_with(user)) {
      if (fences) {
        asterisk.websocket()->text(
            event("ChannelUserevent", R"("eventname":")" + path.substr(user.size()) + R"(","userevent":{})"));
      }
      return peer.answer(204, "");
    }
    if (path.starts_with("/applications/demo")) {
      return peer.answer(200, R"({"name":"demo",)" + application + "," + filter + "}");
    }
    const auto at = answers.find(path);
    at == answers.end() ? peer.answer(404, "{}") : peer.answer(200, at->second);
  }

  void publish(const record::Record& record) {
    model.apply(record, records.size());
    if (model.has_doubt()) sync->look_soon();
    records.push_back(record);
  }
  void tell(const std::string& text) {
    record::Record record;
    events.read(text, text.size(), "pbx1", record);
    publish(record);
  }
  // Runs one whole sync, and returns the types of the records that it made.
  std::string resync() {
    const size_t before = records.size();
    sync->begin(true);
    const int was = done;
    REQUIRE(pump(loop, [&] { return done > was; }));
    return types(before);
  }
  [[nodiscard]] std::string types(size_t from) const {
    std::string all;
    for (size_t i = from; i < records.size(); ++i) {
      std::string id;
      for (size_t j = 0; j < records[i].ids.size(); ++j) id += "/" + std::string(records[i].ids[j].text);
      if (records[i].type == "server.resynced") id.clear();
      all += (all.empty() ? "" : " ") + records[i].type + id;
    }
    return all;
  }
};

}  // namespace

TEST_CASE("what came while nobody listened is told") {
  ResyncStage stage;
  stage.application =
      R"("channel_ids":["c1","c2"],"bridge_ids":["b1"],"endpoint_ids":["PJSIP"],"device_names":["Stasis:x"])";
  stage.answers["/channels"] = "[" + channel("c1", "Stasis", "demo,inbound,100") + "," +
                               channel("c2", "Dial", "PJSIP/x") + "," + channel("other", "Stasis", "other") +
                               "]";
  stage.answers["/bridges"] = "[" + bridge("b1", R"("c1")") + "," + bridge("other", "") + "]";
  stage.answers["/endpoints"] =
      R"([{"technology":"PJSIP","resource":"100","state":"online","channel_ids":[]},{"technology":"IAX2","resource":"x","channel_ids":[]}])";
  stage.answers["/deviceStates/Stasis%3Ax"] = R"({"name":"Stasis:x","state":"BUSY"})";
  CHECK(stage.resync() ==
        "StasisStart/c1 ChannelCreated/c2 BridgeCreated/b1/c1 ChannelEnteredBridge/b1/c1 "
        "EndpointStateChange/PJSIP/100 DeviceStateChanged/Stasis:x server.resynced");
  CHECK(stage.records[0].member("args") == R"(["inbound","100"])");
  CHECK(stage.records[0].member("synthetic") == "true");
  CHECK(stage.records[0].app == "demo");
  CHECK(stage.records.back().ids.contains(IdKind::channel, "c2"));
  CHECK(stage.records.back().ids.contains(IdKind::bridge, "b1"));
  CHECK(stage.model.of(IdKind::channel).size() == 2);
  CHECK(stage.resync() == "server.resynced");  // there is no difference any more
}

TEST_CASE("what ended or changed while nobody listened is told") {
  ResyncStage stage;
  stage.tell(event("StasisStart", R"("args":[],"channel":)" + channel("c1", "Stasis", "demo")));
  stage.tell(event("StasisStart", R"("args":[],"channel":)" + channel("c2", "Stasis", "demo")));
  stage.tell(event("StasisStart", R"("args":[],"channel":)" + channel("c3", "Stasis", "demo", "Ring")));
  stage.tell(event("BridgeCreated", R"("bridge":)" + bridge("b1", R"("c1","c2")")));
  stage.tell(event("BridgeCreated", R"("bridge":)" + bridge("b2", R"("c1")")));
  stage.tell(event(
      "PlaybackStarted",
      R"("playback":{"id":"p1","media_uri":"sound:x","target_uri":"channel:c2","language":"en","state":"playing"})"));
  stage.tell(
      event("RecordingStarted",
            R"("recording":{"name":"r1","format":"wav","target_uri":"channel:c2","state":"recording"})"));
  stage.application = R"("channel_ids":["c2","c3"],"bridge_ids":["b1"],"endpoint_ids":[],"device_names":[])";
  stage.answers["/channels"] =
      "[" + channel("c2", "Wait", "10") + "," + channel("c3", "Stasis", "demo", "Up") + "]";
  stage.answers["/bridges"] = "[" + bridge("b1", R"("c2","c3")") + "]";
  const std::string told = stage.resync();
  INFO(told);
  CHECK_THAT(told, ContainsSubstring("PlaybackFinished/p1"));
  CHECK_THAT(told, ContainsSubstring("RecordingFinished/r1"));
  CHECK_THAT(told, ContainsSubstring("ChannelLeftBridge/b1/c2/c3/c1"));
  CHECK_THAT(told, ContainsSubstring("ChannelLeftBridge/b2/c1"));
  CHECK_THAT(told, ContainsSubstring("BridgeDestroyed/b2/c1"));
  CHECK_THAT(told, ContainsSubstring("StasisEnd/c1 ChannelDestroyed/c1"));
  CHECK_THAT(told, ContainsSubstring("StasisEnd/c2"));
  CHECK_THAT(told, ContainsSubstring("ChannelStateChange/c3"));
  CHECK_THAT(told, ContainsSubstring("ChannelEnteredBridge/b1/c2/c3 state.changed/b1/c2/c3"));
  CHECK_THAT(told, !ContainsSubstring("BridgeCreated"));
  for (const record::Record& record : stage.records) {
    if (record.type != "ChannelDestroyed") continue;
    CHECK(record.member("cause") == "0");
    CHECK(record.member("cause_txt") == R"("Unknown")");
  }
  CHECK_THAT(stage.records.back().fields, ContainsSubstring(R"("came":0,"changed":3,"ended":4)"));
  CHECK(stage.resync() == "server.resynced");
}

TEST_CASE("events that come while Asterisk is asked are newer than its answers") {
  ResyncStage stage;
  stage.application = R"("channel_ids":["c1","c2"],"bridge_ids":[],"endpoint_ids":[],"device_names":[])";
  stage.answers["/channels"] =
      "[" + channel("c1", "Stasis", "demo", "Ring") + "," + channel("c2", "Stasis", "demo", "Up") + "]";
  stage.asterisk.set_script([&](auto& peer, const std::string& request) {
    if (request.starts_with("GET /ari/bridges")) {
      // Behind the answer about channels, whatever the order in which the two are read.
      stage.asterisk.websocket()->text(
          event("ChannelStateChange", R"("channel":)" + channel("c1", "Stasis", "demo", "Up")));
      stage.asterisk.websocket()->text(
          event("ChannelDestroyed", R"("cause":16,"channel":)" + channel("c2", "Stasis", "demo")));
    }
    stage.script(peer, request);
  });
  const std::string told = stage.resync();
  CHECK(told == "ChannelStateChange/c1 ChannelDestroyed/c2 server.resynced");
  CHECK_THAT(stage.model.find(IdKind::channel, "c1")->text, ContainsSubstring(R"("state":"Up")"));
  CHECK(stage.model.find(IdKind::channel, "c2") == nullptr);
}

TEST_CASE("a call of others that has left Stasis since the answers is in no application") {
  ResyncStage stage;
  stage.tell(
      event("PeerStatusChange", R"("peer":{"peer_status":"x"})"));  // a daemon's records begin with number 1
  // Ours originated it, and hears of it.
  stage.application = R"("channel_ids":["c1"],"bridge_ids":[],"endpoint_ids":[],"device_names":[])";
  stage.answers["/applications"] = R"([{"name":"theirs","channel_ids":["c1"],"bridge_ids":[]}])";
  stage.answers["/channels"] = "[" + channel("c1", "Stasis", "demo,out") + "]";
  stage.asterisk.set_script([&](auto& peer, const std::string& request) {
    if (request.starts_with("GET /ari/bridges")) {
      stage.asterisk.websocket()->text(event(
          "ChannelDialplan",
          R"("dialplan_app":"Wait","dialplan_app_data":"60","channel":)" + channel("c1", "Wait", "60")));
    }
    stage.script(peer, request);
  });
  CHECK(stage.resync() == "ChannelDialplan/c1 server.resynced");
  CHECK(stage.model.find(IdKind::channel, "c1")->app.empty());
}

TEST_CASE("without the event of its own it goes on after a while") {
  ResyncStage stage(false);
  const auto began = stage.loop.now();
  CHECK(stage.resync() == "server.resynced");
  CHECK(stage.loop.now() - began >= Milliseconds(95));
}

TEST_CASE("an application of which nothing comes is told, until something does") {
  ResyncStage stage(false);
  stage.resync();
  CHECK(stage.silent == std::vector<std::string>{"demo"});
  std::string name = stage.asterisk.requests.back();
  name = name.substr(name.find("/user/") + 6);
  name.resize(name.find('?'));
  const auto come = [&] {
    stage.asterisk.websocket()->text(
        event("ChannelUserevent", R"("eventname":")" + name + R"(","userevent":{})"));
  };
  come();
  REQUIRE(pump(stage.loop, [&] { return !stage.heard.empty(); }));
  CHECK(stage.heard == std::vector<std::string>{"demo"});
  CHECK(stage.records.back().type == "server.resynced");  // it is nobody else's
}

TEST_CASE("what a filter drops, or was not sent, does not make an application a silent one") {
  ResyncStage stage(false);
  stage.filter = R"("events_allowed":[{"type":"StasisStart"}],"events_disallowed":[])";
  stage.resync();
  stage.filter = R"("events_allowed":[],"events_disallowed":[])";
  stage.asterisk.set_script([&](auto& peer, const std::string& request) {
    if (request.starts_with("POST /ari/events/user/")) return peer.answer(403, "{}");
    stage.script(peer, request);
  });
  stage.resync();
  CHECK(stage.silent.empty());
}

TEST_CASE("it is tried again for as long as the event stream stands") {
  ResyncStage stage;
  stage.answers.erase("/bridges");
  stage.sync->begin(true);
  REQUIRE(pump(stage.loop, [&] { return stage.failures.size() >= 3; }));
  CHECK_THAT(stage.failures.front(), ContainsSubstring("/bridges fails (Asterisk refused: {} (404))"));
  CHECK_FALSE(stage.sync->done());
  stage.answers["/bridges"] = "no list";
  const size_t before = stage.failures.size();
  REQUIRE(pump(stage.loop, [&] { return stage.failures.size() >= before + 2; }));
  stage.answers["/bridges"] = "[]";
  REQUIRE(pump(stage.loop, [&] { return stage.sync->done(); }));
  stage.sync->stop();
  CHECK_FALSE(stage.sync->done());
}

TEST_CASE("what programs set on an application is set again when it is gone") {
  ResyncStage stage;
  stage.application =
      R"("channel_ids":["c1"],"bridge_ids":["__AST_BRIDGE_ALL_TOPIC"],"endpoint_ids":["PJSIP/100"],"device_names":[])";
  std::optional<bool> answered;
  stage.client->request("POST", "/applications/demo/subscription?eventSource=x", "",
                        [&](const auto& answer) { answered = answer.ok(); });
  REQUIRE(pump(stage.loop, [&] { return answered.has_value(); }));
  CHECK(stage.resync() == "server.resynced");
  CHECK(stage.asterisk.count("POST /ari/applications/demo/subscription") == 1);

  const std::string set = stage.application;
  stage.application = R"("channel_ids":[],"bridge_ids":[],"endpoint_ids":[],"device_names":[])";
  stage.asterisk.set_script([&](auto& peer, const std::string& request) {
    if (request.find(R"({"eventSource":["endpoint:PJSIP/100"]})") != std::string::npos)
      stage.application = set;
    stage.script(peer, request);
  });
  CHECK(stage.resync() == "server.resynced");
  const auto asked = [&](const std::string& source) {
    return std::ranges::count_if(stage.asterisk.requests, [&](const std::string& request) {
      return request.starts_with("POST /ari/applications/demo/subscription ") &&
             request.ends_with(R"({"eventSource":[")" + source + R"("]})");
    });
  };
  CHECK(asked("bridge:") == 1);
  CHECK(asked("endpoint:PJSIP/100") == 1);
  CHECK(stage.asterisk.count("POST /ari/applications/demo/subscription") == 3);
}

TEST_CASE("a playback whose end is on its way has not failed") {
  ResyncStage stage;
  CHECK(stage.resync() == "server.resynced");
  stage.application = R"("channel_ids":["c1"],"bridge_ids":[],"endpoint_ids":[],"device_names":[])";
  stage.answers["/channels"] = "[" + channel("c1", "Stasis", "demo") + "]";
  stage.tell(event("StasisStart", R"("args":[],"channel":)" + channel("c1", "Stasis", "demo")));
  const auto playback = [](const std::string& state) {
    return R"("playback":{"id":"p1","media_uri":"recording:x","target_uri":"channel:c1","language":"en","state":")" +
           state + "\"}";
  };
  stage.tell(event("PlaybackStarted", playback("playing")));
  // Asterisk has ended it, and its event is still to come.
  REQUIRE(pump(stage.loop, [&] { return stage.asterisk.count("GET /ari/playbacks/p1 ") > 0; }));
  stage.asterisk.websocket()->text(event("PlaybackFinished", playback("done")));
  const size_t looks = stage.asterisk.count("GET /ari/applications/demo");
  REQUIRE(pump(stage.loop, [&] { return stage.asterisk.count("GET /ari/applications/demo") > looks + 3; }));
  for (const record::Record& record : stage.records) CHECK(record.type != "state.changed");
}

TEST_CASE("where nothing was missed, connecting anew invents nothing") {
  ResyncStage stage;
  CHECK(stage.resync() == "server.resynced");
  stage.application = R"("channel_ids":["c1"],"bridge_ids":[],"endpoint_ids":[],"device_names":[])";
  stage.tell(event("StasisStart", R"("args":[],"channel":)" + channel("c1", "Stasis", "other")));
  stage.tell(event("PlaybackStarted",
                   R"("playback":{"id":"p1","media_uri":"sound:x","target_uri":"channel:c1",)"
                   R"("language":"en","state":"playing"})"));
  stage.answers["/channels"] = "[" + channel("c1", "Stasis", "other") + "]";
  stage.application =
      R"("channel_ids":["c1"],"bridge_ids":[],"endpoint_ids":["PJSIP"],"device_names":["Stasis:x"])";
  stage.answers["/endpoints"] =
      R"([{"technology":"PJSIP","resource":"100","state":"online","channel_ids":[]}])";
  stage.answers["/deviceStates/Stasis%3Ax"] = R"({"name":"Stasis:x","state":"BUSY"})";
  const size_t before = stage.records.size();
  stage.sync->begin(false);
  const int was = stage.done;
  REQUIRE(pump(stage.loop, [&] { return stage.done > was; }));
  CHECK(stage.types(before) ==
        "state.changed/PJSIP/100 state.changed/Stasis:x state.changed/p1/c1 server.resynced");
  CHECK(stage.model.find(IdKind::channel, "c1")->app == "demo");
  CHECK(stage.model.find(IdKind::endpoint, "PJSIP/100") != nullptr);
  CHECK(stage.model.find(IdKind::device, "Stasis:x") != nullptr);
}

TEST_CASE("who has taken an application over does not hear of us") {
  ResyncStage stage;
  CHECK(stage.resync() == "server.resynced");
  REQUIRE(stage.client->replaced("demo"));
  const size_t sent = stage.asterisk.count("POST /ari/events/user/");
  const size_t surveys = stage.asterisk.count("GET /ari/channels ");
  REQUIRE(pump(stage.loop, [&] { return stage.asterisk.count("GET /ari/channels ") > surveys + 1; }));
  CHECK(stage.asterisk.count("POST /ari/events/user/") == sent);
}

TEST_CASE("what Asterisk tells no more of is found out") {
  ResyncStage stage;
  CHECK(stage.resync() == "server.resynced");
  stage.application = R"("channel_ids":["c2"],"bridge_ids":[],"endpoint_ids":[],"device_names":[])";
  for (const char* id : {"c1", "c2"}) {
    stage.tell(event("StasisStart", R"("args":[],"channel":)" + channel(id, "Stasis", "demo")));
    stage.tell(event("StasisEnd", R"("channel":)" + channel(id, "Stasis", "demo")));
  }
  REQUIRE(pump(stage.loop, [&] { return stage.records.back().type == "state.gone"; }));
  CHECK(stage.records.back().ids.size() == 1);
  CHECK(stage.records.back().ids.contains(IdKind::channel, "c1"));
  CHECK(stage.model.find(IdKind::channel, "c1") == nullptr);
  CHECK(stage.model.find(IdKind::channel, "c2") != nullptr);

  // Asterisk may stop a little after the last that it told.
  stage.application = R"("channel_ids":[],"bridge_ids":[],"endpoint_ids":[],"device_names":[])";
  REQUIRE(pump(stage.loop, [&] { return stage.model.find(IdKind::channel, "c2") == nullptr; }));
}

TEST_CASE(
    "without a gap, events alone tell which application a call is in, and nothing is told as an event") {
  ResyncStage stage;
  CHECK(stage.resync() == "server.resynced");
  stage.application = R"("channel_ids":["c1","c2"],"bridge_ids":["b1"],"endpoint_ids":[],"device_names":[])";
  stage.tell(event("StasisStart", R"("args":["x"],"channel":)" + channel("c1", "Stasis", "other,first,1")));
  stage.tell(event("BridgeCreated", R"("bridge":)" + bridge("b1", R"("c1")")));
  for (const char* id : {"p1", "p2"}) {
    stage.tell(
        event("PlaybackStarted",
              R"("playback":{"id":")" + std::string(id) +
                  R"(","media_uri":"sound:x","target_uri":"channel:c1","language":"en","state":"playing"})"));
  }
  std::string changed = channel("c1", "Stasis", "other,first,1");
  changed.insert(changed.size() - 1, R"(,"language":"de")");
  stage.answers["/channels"] = "[" + changed + "," + channel("c2", "Stasis", "other") + "]";
  stage.answers["/bridges"] =
      R"([{"id":"b1","technology":"softmix","bridge_type":"mixing","channels":["c1","c2"],"creationtime":"2026-11-22T23:47:29.969+0000"}])";
  stage.answers["/playbacks/p1"] =
      R"({"id":"p1","media_uri":"sound:x","target_uri":"channel:c1","language":"en","state":"paused"})";
  stage.answers["/applications"] = R"([{"name":"other","channel_ids":["c2"]}])";  // whose call c2 is
  const size_t before = stage.records.size();
  REQUIRE(pump(stage.loop, [&] { return stage.records.size() > before; }));
  REQUIRE(pump(stage.loop, [&] { return stage.records.size() > before + 1; }));
  // c2 is not known to be in one of our applications.
  CHECK(stage.types(before) == "state.changed/c2 " + stage.types(before + 1));
  CHECK(stage.records[before].app.empty());
  CHECK(stage.model.find(IdKind::channel, "c2")->app.empty());
  const record::Record& record = stage.records[before + 1];
  CHECK(record.type == "state.changed");
  CHECK(record.app == "demo");
  const auto objects = json(std::string(record.member("objects")));
  REQUIRE(objects["channels"].Size() == 1);
  CHECK(objects["channels"][0]["app"] == "demo");
  CHECK(objects["channels"][0]["channel"]["language"] == "de");
  CHECK(objects["bridges"][0]["bridge"]["technology"] == "softmix");
  REQUIRE(objects["playbacks"].Size() == 2);
  for (const auto& item : objects["playbacks"].GetArray()) {
    const auto& playback = item["playback"];
    CHECK(playback["state"] == (playback["id"] == "p1" ? "paused" : "failed"));
  }
  CHECK(stage.model.find(IdKind::channel, "c1")->app == "demo");
  CHECK(stage.model.find(IdKind::playback, "p2") == nullptr);

  // What ends unseen is told of no more.
  stage.answers["/channels"] = stage.answers["/bridges"] = "[]";
  REQUIRE(pump(stage.loop, [&] { return stage.model.of(IdKind::bridge).size() == 0; }));
  CHECK(stage.types(before + 2).starts_with("state.gone/"));
  CHECK(stage.records.size() == before + 3);
}

TEST_CASE("that a playback could not begin is found out soon, and no other is asked for again and again") {
  ResyncStage stage;
  CHECK(stage.resync() == "server.resynced");
  const size_t surveys = stage.asterisk.count("GET /ari/channels ");
  stage.application = R"("channel_ids":["c1"],"bridge_ids":[],"endpoint_ids":[],"device_names":[])";
  stage.answers["/channels"] = "[" + channel("c1", "Stasis", "demo") + "]";
  stage.tell(event("StasisStart", R"("args":[],"channel":)" + channel("c1", "Stasis", "demo")));
  const auto playback = [](const std::string& id, const std::string& media) {
    return R"({"id":")" + id + R"(","media_uri":")" + media +
           R"(","target_uri":"channel:c1","language":"en","state":"playing"})";
  };
  for (const auto& [id, media] :
       {std::pair("p1", "recording:nosuch"), {"p2", "recording:long"}, {"p3", "sound:x"}}) {
    stage.tell(event("PlaybackStarted", R"("playback":)" + playback(id, media)));
    stage.answers["/playbacks/" + std::string(id)] = playback(id, media);
  }
  stage.answers.erase("/playbacks/p1");
  REQUIRE(pump(stage.loop, [&] { return stage.model.find(IdKind::playback, "p1") == nullptr; }));
  CHECK(stage.records.back().type == "state.changed");
  CHECK_THAT(stage.records.back().fields, ContainsSubstring(R"("state":"failed")"));
  for (int i = 0; i < 10; ++i) {
    const size_t looks = stage.asterisk.count("GET /ari/applications/demo");
    REQUIRE(pump(stage.loop, [&] { return stage.asterisk.count("GET /ari/applications/demo") > looks; }));
  }
  // Where all is looked at, each is asked for once.
  const size_t all = stage.asterisk.count("GET /ari/channels ") - surveys;
  CHECK(stage.asterisk.count("GET /ari/playbacks/p2 ") <= 3 + all);
  CHECK(stage.asterisk.count("GET /ari/playbacks/p3 ") <= all);
  CHECK(stage.model.find(IdKind::playback, "p2") != nullptr);
}

TEST_CASE("after a gap, a call that was moved meanwhile is in the application that hears of it") {
  ResyncStage stage;
  CHECK(stage.resync() == "server.resynced");
  stage.tell(event("StasisStart", R"("args":["x"],"channel":)" + channel("c1", "Stasis", "demo,x")));
  stage.tell(event("StasisStart", R"("args":["x"],"channel":)" + channel("c2", "Stasis", "demo,x")));
  // c1 is in an application of another client now, which is known by its own list; c2 is where it was.
  stage.application = R"("channel_ids":["c1","c2"],"bridge_ids":[],"endpoint_ids":[],"device_names":[])";
  stage.answers["/applications"] = R"([{"name":"theirs","channel_ids":["c1"],"bridge_ids":[]},5,{}])";
  stage.answers["/channels"] =
      "[" + channel("c1", "Stasis", "theirs,y") + "," + channel("c2", "Stasis", "demo,x") + "]";
  CHECK(stage.resync() == "StasisEnd/c1 server.resynced");
  CHECK(stage.model.find(IdKind::channel, "c1")->app.empty());
  CHECK(stage.model.find(IdKind::channel, "c2")->app == "demo");
}

TEST_CASE("a call that is offered to all is known until somebody takes it") {
  ResyncStage stage;
  CHECK(stage.resync() == "server.resynced");
  stage.tell(event("CallBroadcast", R"("channel":)" + channel("c1", "StasisBroadcast", "5000")));
  stage.tell(event("StasisStart", R"("args":[],"channel":)" + channel("c2", "Stasis", "demo")));
  stage.tell(event("StasisEnd", R"("channel":)" + channel("c2", "Stasis", "demo")));
  stage.answers["/channels"] = "[" + channel("c1", "StasisBroadcast", "5000") + "]";
  REQUIRE(pump(stage.loop, [&] { return stage.model.find(IdKind::channel, "c2") == nullptr; }));
  CHECK(stage.model.find(IdKind::channel, "c1") != nullptr);
  stage.tell(
      event("CallClaimed", R"("winner_app":"other","channel":)" + channel("c1", "StasisBroadcast", "5000")));
  REQUIRE(pump(stage.loop, [&] { return stage.model.find(IdKind::channel, "c1") == nullptr; }));
  CHECK(stage.records.back().type == "state.gone");
}

TEST_CASE("a bridge of very many channels is compared in a time that grows with their number") {
  const auto members = [](int from, int to) {
    std::string list;
    for (int i = from; i < to; ++i) list += (list.empty() ? "\"c" : ",\"c") + std::to_string(i) + '"';
    return list;
  };
  Model model;
  record::EventReader events;
  record::Record record;
  const auto tell = [&](const std::string& text) {
    events.read(text, text.size(), "pbx1", record);
    model.apply(record, 1);
  };
  constexpr int count = 80'000;
  tell(event("BridgeCreated", R"("bridge":)" + bridge("b1", members(0, count))));
  FetchedState fetched;
  auto& heard = fetched.apps["demo"];
  heard.ours = heard.all[static_cast<size_t>(IdKind::bridge)] = true;
  auto& bridges = fetched.objects[static_cast<size_t>(IdKind::bridge)];
  const auto found = [&] {
    return test::difference("pbx1", {"demo"}, model, fetched, {2, 2, wall_now()});
  };
  bridges["b1"] = bridge("b1", members(0, count) + R"(,"new")");
  const auto begin = aribus::test::cpu_time();
  CHECK(found().size() == 2);                                         // of the bridge, and of its new channel
  CHECK(aribus::test::cpu_time() - begin < std::chrono::seconds(4));  // it was 12 s, now 0.1

  // Each record of a member shows the whole bridge: of all together there is a bound.
  bridges["b1"] = bridge("b1", members(count, 2 * count));
  size_t bytes = 0;
  const std::vector<record::Record> records = found();
  for (const record::Record& one : records) bytes += one.fields.size();
  CHECK(records.size() > 10);
  CHECK(bytes < (20 << 20));  // it was 60 GB
  // One of a usual size is told whole.
  bridges["b1"] = bridge("b1", members(count, count + 500));
  CHECK(found().size() == 501);
}

namespace {

// Asterisk answers that it has so many channels, and bridges of two of them.
void have_many(ResyncStage& stage, int channels, const std::string& state = "Up") {
  std::string list, ids, bridges, bridge_ids;
  for (int i = 0; i < channels; ++i) {
    const std::string id = "c" + std::to_string(1000 + i);
    list += (i == 0 ? "" : ",") + channel(id, "Stasis", "demo", state);
    ids += (i == 0 ? "\"" : ",\"") + id + '"';
    if (i % 20 != 1) continue;
    const std::string members = "\"c" + std::to_string(999 + i) + "\",\"" + id + '"';
    bridges += (bridges.empty() ? "" : ",") + bridge("b" + std::to_string(i), members);
    bridge_ids += (bridge_ids.empty() ? "\"b" : ",\"b") + std::to_string(i) + '"';
  }
  stage.answers["/channels"] = "[" + list + "]";
  stage.answers["/bridges"] = "[" + bridges + "]";
  stage.application = R"("channel_ids":[)" + ids + R"(],"bridge_ids":[)" + bridge_ids +
                      R"(],"endpoint_ids":[],"device_names":[])";
}

constexpr int many = 600;

size_t count_of(const ResyncStage& stage, const std::string& type) {
  return static_cast<size_t>(std::ranges::count(stage.records, type, &record::Record::type));
}

// The model that the first `count` records lead to.
Model replayed(const ResyncStage& stage, size_t count) {
  Model model;
  for (size_t i = 0; i < count; ++i) model.apply(stage.records[i], i);
  return model;
}

void check_same(const Model& model, const Frozen& version) {
  for (const IdKind kind : {IdKind::channel, IdKind::bridge}) {
    REQUIRE(model.of(kind).size() == version.of(kind).size());
    for (const auto& [id, object] : version.of(kind)) {
      REQUIRE(model.find(kind, id) != nullptr);
      CHECK(model.find(kind, id)->text == object.text);
      CHECK(model.find(kind, id)->app == object.app);
    }
  }
}

// Turns the loop until a comparison is under way and has published some records.
void begin_to_compare(ResyncStage& stage, bool missed = true) {
  const size_t before = stage.records.size();
  stage.sync->begin(missed);
  REQUIRE(pump(stage.loop, [&] { return stage.records.size() > before + 20; }));
  REQUIRE_FALSE(stage.sync->done());
}

void finish(ResyncStage& stage) {
  REQUIRE(pump(stage.loop, [&] { return stage.sync->done(); }));
}

}  // namespace

TEST_CASE("very many objects are compared a few at a time") {
  ResyncStage stage;
  const auto most_in_a_turn = [&] {
    size_t most = 0, before = stage.records.size();
    const int was = stage.done;
    stage.sync->begin(true);
    REQUIRE(pump(stage.loop, [&] {
      most = std::max(most, stage.records.size() - std::exchange(before, stage.records.size()));
      return stage.done > was;
    }));
    return most;
  };
  have_many(stage, many);
  CHECK(most_in_a_turn() < 200);
  CHECK(count_of(stage, "StasisStart") == many);
  CHECK(count_of(stage, "BridgeCreated") == many / 20);
  have_many(stage, many, "Ringing");
  CHECK(most_in_a_turn() < 200);
  CHECK(count_of(stage, "ChannelStateChange") == many);
  have_many(stage, 0);
  CHECK(most_in_a_turn() < 300);
  CHECK(count_of(stage, "ChannelDestroyed") == many);
  CHECK(count_of(stage, "BridgeDestroyed") == many / 20);
  CHECK(stage.model.of(IdKind::channel).size() == 0);
  CHECK(stage.model.of(IdKind::bridge).size() == 0);
}

TEST_CASE("an event between two slices is newer than the answers, and snapshots then are what the records say") {
  ResyncStage stage;
  stage.tell(event("PeerStatusChange", R"("peer":{"peer_status":"x"})"));  // a daemon's records begin with number 1
  have_many(stage, many);
  begin_to_compare(stage);
  const auto version = stage.model.freeze();
  const size_t at = stage.records.size();
  // Not compared yet: it ends, changes, and comes; its bridge loses it.
  stage.tell(event("ChannelDestroyed", R"("cause":16,"cause_txt":"","channel":)" + channel("c1599", "Stasis", "demo")));
  stage.tell(event("ChannelStateChange", R"("channel":)" + channel("c1598", "Stasis", "demo", "Busy")));
  stage.tell(event("BridgeCreated", R"("bridge":)" + bridge("b581", R"("c1581")")));
  stage.tell(event("StasisStart", R"("args":[],"channel":)" + channel("new", "Stasis", "demo")));
  finish(stage);
  check_same(replayed(stage, at), *version);
  check_same(replayed(stage, stage.records.size()), *stage.model.freeze());
  CHECK(stage.model.find(IdKind::channel, "c1599") == nullptr);
  CHECK(stage.model.find(IdKind::channel, "c1598")->text.find("Busy") != std::string::npos);
  CHECK(stage.model.find(IdKind::channel, "c1598")->app == "demo");
  CHECK(stage.model.find(IdKind::channel, "new") != nullptr);
  CHECK(stage.model.find(IdKind::bridge, "b581")->text.find("c1580") == std::string::npos);
  size_t about_it = 0;
  for (const record::Record& one : stage.records)
    about_it += one.ids.contains(IdKind::channel, "c1599") && one.type != "server.resynced" ? 1 : 0;
  CHECK(about_it == 1);
}

TEST_CASE("objects that events end between two slices are not ended once more") {
  ResyncStage stage;
  have_many(stage, many);
  stage.resync();
  have_many(stage, 0);
  begin_to_compare(stage);
  for (const char* id : {"c1597", "c1598"}) {
    stage.tell(event("StasisEnd", R"("channel":)" + channel(id, "Stasis", "demo")));
    stage.tell(event("ChannelDestroyed", R"("cause":16,"cause_txt":"","channel":)" + channel(id, "Stasis", "demo")));
  }
  finish(stage);
  CHECK(count_of(stage, "ChannelDestroyed") == many);
  CHECK(count_of(stage, "StasisEnd") == many);
  CHECK(stage.model.of(IdKind::channel).size() == 0);
}

TEST_CASE("a comparison after a gap that is broken off is owed, and nothing is told twice") {
  for (const bool missed : {true, false}) {
    ResyncStage stage;
    have_many(stage, many);
    begin_to_compare(stage);
    stage.sync->stop();
    const size_t at = stage.records.size();
    uv_run(stage.loop.raw(), UV_RUN_NOWAIT);
    CHECK(stage.records.size() == at);
    stage.sync->begin(missed);
    finish(stage);
    CHECK(count_of(stage, "StasisStart") == many);
    CHECK(count_of(stage, "server.resynced") == 1);
    CHECK(stage.model.of(IdKind::channel).size() == many);
    CHECK(count_of(stage, "state.changed") == 0);
  }
}

TEST_CASE("a second gap comes while the first one is being compared") {
  ResyncStage stage;
  have_many(stage, many);
  begin_to_compare(stage);
  have_many(stage, 10);
  stage.sync->begin(true);
  finish(stage);
  CHECK(stage.model.of(IdKind::channel).size() == 10);
  CHECK(stage.model.of(IdKind::bridge).size() == 1);
  CHECK(count_of(stage, "StasisStart") - count_of(stage, "StasisEnd") == 10);
  check_same(replayed(stage, stage.records.size()), *stage.model.freeze());
}

TEST_CASE("whoever ends in the middle of a comparison leaves nothing behind") {
  ResyncStage stage;
  have_many(stage, many);
  begin_to_compare(stage);
  stage.sync.reset();
  const size_t at = stage.records.size();
  uv_run(stage.loop.raw(), UV_RUN_NOWAIT);
  CHECK(stage.records.size() == at);
  CHECK(stage.model.of(IdKind::channel).size() > 0);
}

TEST_CASE("objects that are heard of no more are told of in several records, and not when an event has just come") {
  ResyncStage stage;
  have_many(stage, many);
  stage.resync();
  stage.application = R"("channel_ids":[],"bridge_ids":[],"endpoint_ids":[],"device_names":[])";
  stage.tell(event("StasisEnd", R"("channel":)" + channel("c1000", "Stasis", "demo")));  // a reason to look
  REQUIRE(pump(stage.loop, [&] { return stage.model.of(IdKind::channel).size() == 0; }));
  for (const record::Record& one : stage.records) {
    if (one.type == "state.gone") CHECK(one.ids.size() <= 256);
  }
}
