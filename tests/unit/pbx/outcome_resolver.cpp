// What became of commands that were not answered.
#include "control/dispatcher.h"
#include "pbx/creating_operations.h"
#include "tests/catch.h"
#include "tests/unit/control/caller.h"
#include "tests/unit/pbx/test_server.h"

using namespace aribus;
using namespace aribus::control;
using namespace aribus::pbx;
using aribus::test::FakeAsterisk;
using aribus::test::json;
using aribus::test::pump;

namespace {

// A dispatcher of one Asterisk that has 60 ms to answer, answers no POST, and GET as the test says.
struct ResolverStage {
  Loop loop;
  FakeAsterisk asterisk{loop, test::behave_well};
  Dispatcher dispatcher{test::asterisk_methods()};
  test::TestServer server;
  std::vector<record::Record> records;  // command.resolved
  int look_up_status = 404;
  std::string look_up_body = "{}";
  bool answers_posts = false;

  explicit ResolverStage(bool subscribe_all = false) : server(loop, options(asterisk, subscribe_all)) {
    dispatcher.add_server(server);
    server.on_record = [this](const record::Record& record) {
      if (record.type == "command.resolved") records.push_back(record);
    };
    server.connect_to(loop, asterisk);
    asterisk.set_script([this](auto& peer, const std::string& request) {
      if (request.starts_with("POST")) return answers_posts ? peer.answer(200, "{}") : void();
      if (request.find("/asterisk/info") != std::string::npos ||
          request.find("/events") != std::string::npos) {
        return test::behave_well(peer, request);
      }
      peer.answer(look_up_status, look_up_body);
    });
  }
  static ari::ClientOptions options(const FakeAsterisk& asterisk, bool subscribe_all) {
    ari::ClientOptions options = test::client_options(asterisk.url(), {"demo"});
    options.subscribe_all = subscribe_all;
    options.request_timeout = Milliseconds(60);
    options.ping_interval = Milliseconds(10);
    options.silence_timeout = Milliseconds(400);
    options.reconnect.first = options.reconnect.max = Milliseconds(10);
    return options;
  }
  Result<std::string> call(const std::string& method, std::string_view params) {
    std::optional<Result<std::string>> answer;
    dispatcher.call(aribus::test::a_caller(), method, json(params),
                    [&](const Result<ResultText>& got) { answer = aribus::test::text_of(got); });
    REQUIRE(pump(loop, [&] { return answer.has_value(); }));
    return *answer;
  }
  // The error's data.
  Json unknown(const std::string& method, std::string_view params) {
    const auto answer = call(method, params);
    REQUIRE_FALSE(answer.ok());
    REQUIRE(answer.error().kind == ErrorKind::outcome_unknown);
    return json(answer.error().data);
  }
  // The fields of the next command.resolved.
  Json resolved() {
    REQUIRE(pump(loop, [&] { return !records.empty(); }));
    record::Record record = std::move(records.front());
    records.erase(records.begin());
    CHECK(record.type == "command.resolved");
    CHECK(record.server == "pbx1");
    last_ids = record.ids;
    return json("{" + record.fields.substr(1) + "}");
  }
  void event(const std::string& text) { server.event(text); }
  size_t unresolved() { return server.resolver().size(); }
  void disconnect() {
    asterisk.set_script([](auto& peer, auto&) { peer.answer(503, "{}"); });
    asterisk.websocket()->close();
    REQUIRE(pump(loop, [&] { return !server.is_connected(); }));
  }

  record::IdSet last_ids;
};

constexpr auto originate = R"({"endpoint":"PJSIP/100","channelId":"c/1","app":"demo"})";
constexpr auto start_of_c1 =
    R"({"type":"StasisStart","application":"demo","args":[],"channel":{"id":"c/1","state":"Up"}})";

}  // namespace

TEST_CASE("a call that was made is found, by its id") {
  ResolverStage stage;
  stage.look_up_status = 200;
  const Json data = stage.unknown("originate", originate);
  CHECK(find_string(data, "channelId") == "c/1");
  const Json resolved = stage.resolved();
  CHECK(find_string(resolved, "command") == find_string(data, "command"));
  CHECK(find_string(resolved, "method") == "channels.originate");
  CHECK(find_string(resolved, "outcome") == "done");
  CHECK(find(resolved, "exists")->IsTrue());
  CHECK(stage.last_ids.contains(record::IdKind::channel, "c/1"));
  CHECK(stage.asterisk.count("GET /ari/channels/c%2F1 ") == 1);
  CHECK(stage.asterisk.count("POST") == 1);
  CHECK(stage.unresolved() == 0);
}

TEST_CASE("a call that does not exist, and that no event reported, was not made") {
  ResolverStage stage;
  stage.unknown("channels.originateWithId", originate);
  const Json resolved = stage.resolved();
  CHECK(find_string(resolved, "outcome") == "not_done");
  CHECK(find(resolved, "exists")->IsFalse());
  CHECK(stage.asterisk.count("GET /ari/channels/c%2F1 ") >= 2);  // once proves nothing
  CHECK(stage.asterisk.count("POST") == 1);
}

TEST_CASE("while nothing shows that the event stream is alive, no event proves nothing") {
  ResolverStage stage;
  stage.asterisk.websocket()->fall_silent();
  stage.unknown("originate", originate);
  test::pump_for(stage.loop, Milliseconds(250));
  CHECK(stage.records.empty());
  CHECK(stage.asterisk.count("GET /ari/channels/c%2F1 ") >= 1);
  const Json resolved = stage.resolved();  // once it is found dead
  CHECK(find_string(resolved, "outcome") == "unknown");
  CHECK(find(resolved, "exists")->IsFalse());
}

TEST_CASE("an event proves that the call was made, before the error or after it") {
  for (const bool before : {true, false}) {
    INFO(before);
    ResolverStage stage;
    std::optional<Result<std::string>> answer;
    stage.dispatcher.call(aribus::test::a_caller(), "originate", json(originate),
                          [&](const Result<ResultText>& got) {
                            CHECK(stage.records.empty());  // the error comes first
                            answer = aribus::test::text_of(got);
                          });
    if (before) stage.event(start_of_c1);
    REQUIRE(pump(stage.loop, [&] { return answer.has_value(); }));
    if (!before) stage.event(start_of_c1);
    const Json resolved = stage.resolved();
    CHECK(find_string(resolved, "outcome") == "done");
    CHECK(find(resolved, "exists") == nullptr);
  }
}

TEST_CASE("what is not there any more, and whose events could not be seen, stays unknown") {
  ResolverStage stage;
  stage.unknown("originate", R"({"endpoint":"PJSIP/100","context":"default"})");
  CHECK(find_string(stage.resolved(), "outcome") == "unknown");
  stage.unknown("originate", originate);
  stage.server.own_record("server.disconnected");
  const Json resolved = stage.resolved();
  CHECK(find_string(resolved, "outcome") == "unknown");
  CHECK(find(resolved, "exists")->IsFalse());
  ResolverStage all(true);
  all.unknown("originate", R"({"endpoint":"PJSIP/100","context":"default"})");
  CHECK(find_string(all.resolved(), "outcome") == "not_done");
}

TEST_CASE("after a restart of Asterisk nothing is left, and that is said") {
  ResolverStage stage;
  stage.unknown("originate", originate);
  const std::string other_time =
      R"({"system":{"version":"22.10.1"},"status":{"startup_time":"2026-11-22T22:00:00.000+0000"}})";
  stage.asterisk.set_script([&](auto& peer, const std::string& request) {
    request.find("/asterisk/info") != std::string::npos ? peer.answer(200, other_time)
                                                        : test::behave_well(peer, request);
  });
  stage.asterisk.websocket()->close();
  const Json resolved = stage.resolved();
  CHECK(find_string(resolved, "outcome") == "unknown");
  CHECK(find(resolved, "exists")->IsFalse());
  CHECK_THAT(std::string(find_string(resolved, "reason")), ContainsSubstring("restarted"));
}

TEST_CASE("a command without an outcome outlives an outage, and is resolved after it") {
  ResolverStage stage;
  stage.unknown("bridges.create", "{}");
  stage.asterisk.set_script([](auto& peer, auto&) { peer.answer(503, "{}"); });
  stage.asterisk.websocket()->close();
  test::pump_for(stage.loop, Milliseconds(400));
  CHECK(stage.records.empty());
  CHECK(stage.unresolved() == 1);
  stage.asterisk.set_script([](auto& peer, const std::string& request) {
    request.find("/bridges/") != std::string::npos ? peer.answer(200, "{}")
                                                   : test::behave_well(peer, request);
  });
  CHECK(find_string(stage.resolved(), "outcome") == "done");
}

TEST_CASE("everything that is created under an id is looked up at its place in ARI") {
  const auto check_place = [](const char* method, const char* params, const std::string& place) {
    INFO(method);
    ResolverStage stage;
    stage.look_up_status = 200;
    stage.unknown(method, params);
    CHECK(find_string(stage.resolved(), "outcome") == "done");
    CHECK(stage.asterisk.count("GET /ari/" + place + " ") == 1);
  };
  check_place("bridges.create", R"({"bridgeId":"b1"})", "bridges/b1");
  check_place("bridges.createWithId", R"({"bridgeId":"b1"})", "bridges/b1");
  check_place("channels.create", R"({"endpoint":"Local/x","app":"demo","channelId":"c1"})", "channels/c1");
  check_place("channels.externalMedia",
              R"({"app":"demo","external_host":"h:1","format":"ulaw","channelId":"c1"})", "channels/c1");
  check_place("channels.snoopChannel", R"({"channelId":"c1","app":"demo","snoopId":"s1"})", "channels/s1");
  check_place("play", R"({"channelId":"c1","media":"sound:x","playbackId":"p1"})", "playbacks/p1");
  check_place("record", R"({"bridgeId":"b1","name":"r1","format":"wav"})", "recordings/live/r1");
}

TEST_CASE("every operation that makes something under an id is known as one") {
  for (const ari::Operation& operation : ari::operations()) {
    if (operation.method != "POST" || find_creating_operation(operation.name) != nullptr) continue;
    INFO(operation.name);
    for (const char* end : {"WithId", ".create", ".originate", "Media", ".play", ".record"}) {
      CHECK_FALSE(operation.name.ends_with(end));
    }
  }
}

TEST_CASE("a command that makes nothing is not looked for") {
  ResolverStage stage;
  const Json data = stage.unknown("channels.answer", R"({"channelId":"c1"})");
  CHECK(find(data, "command") == nullptr);
  CHECK(stage.unresolved() == 0);
}

TEST_CASE("what was answered, refused or not sent is not looked for") {
  ResolverStage stage;
  stage.answers_posts = true;
  REQUIRE(stage.call("originate", originate).ok());
  CHECK(stage.unresolved() == 0);
  stage.disconnect();
  CHECK(stage.call("originate", originate).error().kind == ErrorKind::not_connected);
  CHECK(stage.unresolved() == 0);
}

TEST_CASE("a waiting call whose end was not seen was made all the same") {
  ResolverStage stage;
  stage.answers_posts = true;
  std::optional<Result<std::string>> answer;
  bool reached = false;
  const Json params = json(R"({"endpoint":"PJSIP/100","channelId":"c1","wait":"answer"})");
  stage.dispatcher.call(aribus::test::a_caller(), "originate", params,
                        [&](const Result<ResultText>& got) { answer = aribus::test::text_of(got); },
                        {.on_accepted = [&] { reached = true; }});
  REQUIRE(pump(stage.loop, [&] { return reached; }));
  stage.server.own_record("server.disconnected");
  REQUIRE(answer);
  const Json resolved = stage.resolved();
  CHECK(find_string(resolved, "outcome") == "done");
  CHECK(find_string(resolved, "command") == find_string(json(answer->error().data), "command"));
}

TEST_CASE("a repeat of a command with a key is not sent, and tells its outcome") {
  ResolverStage stage;
  constexpr auto with_key = R"({"endpoint":"PJSIP/100","key":"order 7"})";
  const Json first = stage.unknown("originate", with_key);
  CHECK(stage.unknown("originate", with_key) == first);
  CHECK(find_string(stage.resolved(), "outcome") == "not_done");
  const Json later = stage.unknown("originate", with_key);
  CHECK(find_string(later, "outcome") == "not_done");
  CHECK(find_string(later, "channelId") == find_string(first, "channelId"));
  CHECK(stage.asterisk.count("POST") == 1);
  CHECK(stage.asterisk.requests[2].find("order 7") == std::string::npos);
}

TEST_CASE("a key is a text of 1 to 128 bytes") {
  ResolverStage stage;
  for (const std::string& key : {std::string("7"), std::string("\"\""), '"' + std::string(129, 'x') + '"'}) {
    const auto answer = stage.call("channels.list", R"({"key":)" + key + "}");
    REQUIRE_FALSE(answer.ok());
    CHECK_THAT(answer.error().message, ContainsSubstring("key: a string of 1 to 128 bytes is expected"));
  }
  stage.look_up_status = 200;
  CHECK(stage.call("channels.list", R"({"key":")" + std::string(128, 'x') + "\"}").ok());
}

TEST_CASE("what became of a command is given up when its Asterisk is, while it is looked for, too") {
  ResolverStage stage;
  const Json first = stage.unknown("originate", originate);
  const Json second =
      stage.unknown("channels.originate", R"({"endpoint":"PJSIP/1","channelId":"c2","app":"demo"})");
  CHECK(stage.unresolved() == 2);
  stage.server.resolver().give_up("it is gone");
  for (const Json* command : {&first, &second}) {
    const Json fields = stage.resolved();
    CHECK(find_string(fields, "command") == find_string(*command, "command"));
    CHECK(find_string(fields, "outcome") == "unknown");
    CHECK(find_string(fields, "reason") == "it is gone");
  }
  CHECK(stage.unresolved() == 0);
  CHECK_FALSE(pump(
      stage.loop, [&] { return !stage.records.empty(); }, Milliseconds(300)));
}

namespace {

std::string channel_event(const std::string& type, const std::string& made) {
  return R"({"type":")" + type + R"(","application":"demo","args":[],"cause":16,"cause_txt":"x","channel":)" +
         R"({"id":"c/1","name":"x","state":"Up","creationtime":")" + made + "\"}}";
}
std::string playback_event(const std::string& type) {
  return R"({"type":")" + type +
         R"(","application":"demo","playback":{"id":"p1","media_uri":"sound:x","target_uri":"channel:c1"}})";
}

constexpr auto play = R"({"channelId":"c1","media":"sound:x","playbackId":"p1"})";
constexpr auto earlier = "2026-11-22T21:46:17.690+0000";
constexpr auto later = "2026-11-22T21:46:17.691+0000";

}  // namespace

TEST_CASE("the end of an earlier channel of the same id does not prove that the new one was made") {
  ResolverStage stage;
  stage.event(channel_event("StasisStart", earlier));
  std::optional<Error> error;
  stage.dispatcher.call(aribus::test::a_caller(), "originate", json(originate),
                        [&](const Result<ResultText>& got) { error = got.error(); });
  stage.event(channel_event("StasisEnd", earlier));
  stage.event(channel_event("ChannelDestroyed", earlier));
  REQUIRE(pump(stage.loop, [&] { return error.has_value(); }));
  CHECK(find_string(stage.resolved(), "outcome") == "not_done");
}

TEST_CASE("the new channel of an id proves that it was made") {
  ResolverStage stage;
  stage.event(channel_event("StasisStart", earlier));
  std::optional<Error> error;
  stage.dispatcher.call(aribus::test::a_caller(), "originate", json(originate),
                        [&](const Result<ResultText>& got) { error = got.error(); });
  stage.event(channel_event("ChannelDestroyed", earlier));
  stage.event(channel_event("StasisStart", later));
  REQUIRE(pump(stage.loop, [&] { return error.has_value(); }));
  CHECK(find_string(stage.resolved(), "outcome") == "done");
}

TEST_CASE("an earlier channel that is still there is not taken for the new one") {
  ResolverStage stage;
  stage.event(channel_event("StasisStart", earlier));
  stage.look_up_status = 200;
  stage.look_up_body = R"({"id":"c/1","creationtime":")" + std::string(earlier) + "\"}";
  stage.unknown("originate", originate);
  const Json resolved = stage.resolved();
  CHECK(find_string(resolved, "outcome") == "not_done");
  CHECK(find(resolved, "exists")->IsFalse());
  stage.look_up_body = R"({"id":"c/1","creationtime":")" + std::string(later) + "\"}";
  stage.unknown("originate", originate);
  CHECK(find_string(stage.resolved(), "outcome") == "done");
}

TEST_CASE("while an earlier playback of the same id lives, its look-up proves nothing") {
  ResolverStage stage;
  stage.event(playback_event("PlaybackStarted"));
  stage.look_up_status = 200;
  stage.unknown("play", play);
  test::pump_for(stage.loop, Milliseconds(450));
  CHECK(stage.asterisk.count("GET /ari/playbacks/p1 ") >= 1);
  CHECK(stage.records.empty());
  stage.event(playback_event("PlaybackFinished"));
  CHECK(stage.records.empty());
  CHECK(find_string(stage.resolved(), "outcome") == "done");  // it is there, and can only be the new one
}
