// Commands about channels that are not in their application yet.
#include "pbx/stasis_entry.h"

#include "tests/unit/control/stage.h"

using namespace aribus;
using namespace aribus::control;
using namespace aribus::pbx;
using aribus::test::ControlStage;

namespace {

constexpr auto not_in_stasis_body = R"({"message":"Channel not in Stasis application"})";
constexpr auto before_entry = "2026-11-22T21:46:17.690+0000";
constexpr auto after_entry = "2026-11-22T21:46:17.999+0000";

// A snoop channel "s1" has been made, and has not entered the application.
struct Snooped : ControlStage {
  Snooped() {
    call("channels.snoopChannel", R"({"channelId":"c1","snoopId":"s1","spy":"both","app":"demo"})");
    respond(200, channel("s1", after_entry));
    REQUIRE(answer);
    REQUIRE(answer->ok());
    asterisk.requests.clear();
  }
  void add() { call("bridges.addChannel", R"({"bridgeId":"b1","channel":"s1"})"); }
  void enters() { channel_event("StasisStart", "s1", after_entry); }
};

}  // namespace

TEST_CASE("a command about a channel that was just made is sent again once that is in its application") {
  struct Case {
    const char* method;
    const char* params;
    int status;
  };
  for (const Case& one : {Case{"bridges.addChannel", R"({"bridgeId":"b1","channel":"s1"})", 422},
                          Case{"bridges.addChannel", R"({"bridgeId":"b1","channel":["c1","s1"]})", 422},
                          Case{"bridges.addChannel", R"({"bridgeId":"b1","channel":"c1,s1"})", 422},
                          Case{"channels.setChannelVar", R"({"channelId":"s1","variable":"X"})", 409},
                          Case{"channels.dial", R"({"channelId":"s1"})", 409},
                          Case{"transfer", R"({"channelId":"s1","context":"x"})", 409}}) {
    INFO(one.params);
    Snooped stage;
    stage.call(one.method, one.params);
    stage.respond(one.status, not_in_stasis_body);
    CHECK_FALSE(stage.answer);
    CHECK(stage.server.is_busy());
    CHECK(stage.asterisk.requests.size() == 1);
    stage.enters();
    stage.respond(204, "");
    REQUIRE(stage.answer);
    CHECK(**stage.answer == "null");
    CHECK(stage.asterisk.requests.size() == 2);
    CHECK(stage.asterisk.requests[0] == stage.asterisk.requests[1]);
    CHECK_FALSE(stage.server.is_busy());
  }
}

TEST_CASE("it is sent again at once when the channel has entered before the refusal came") {
  Snooped stage;
  stage.add();
  stage.request();
  stage.enters();
  stage.respond(422, not_in_stasis_body);
  stage.respond(204, "");
  REQUIRE(stage.answer);
  CHECK(stage.answer->ok());
}

TEST_CASE("it is sent again once, and only after a refusal that says that nothing was done") {
  Snooped stage;
  stage.add();
  stage.respond(422, not_in_stasis_body);
  stage.enters();
  stage.respond(422, not_in_stasis_body);
  CHECK(stage.data("stasis") == "no_longer");
  CHECK(stage.asterisk.requests.size() == 2);

  for (const auto& [status, body] :
       {std::pair{404, R"({"message":"Channel not found"})"},
        std::pair{409, R"({"message":"Channel s1 currently recording"})"}, std::pair{500, "{}"}}) {
    Snooped other;
    other.add();
    other.respond(status, body);
    other.error();
    CHECK(other.data("stasis").empty());
    CHECK(other.asterisk.requests.size() == 1);
  }
}

TEST_CASE("the verb bridge waits for the entry of a channel that was just made") {
  Snooped stage;
  stage.call("bridge", R"({"channels":["s1"],"bridgeId":"b1"})");
  stage.respond(200, R"({"id":"b1","channels":[]})");
  stage.respond(422, not_in_stasis_body);
  CHECK_FALSE(stage.answer);
  stage.enters();
  CHECK(stage.request() == "POST /ari/bridges/b1/addChannel");
  stage.respond(204, "");
  CHECK(stage.request() == "GET /ari/bridges/b1");
}

TEST_CASE("nobody waits for a channel that can't enter any more") {
  for (const auto& end : std::initializer_list<std::function<void(Snooped&)>>{
           [](Snooped& stage) { stage.channel_event("ChannelDestroyed", "s1", after_entry); },
           [](Snooped& stage) { stage.channel_event("StasisEnd", "s1", after_entry); },
           [](Snooped& stage) { stage.server.own_record("server.disconnected"); },
           [](Snooped& stage) { stage.server.own_record("server.replaced", "demo"); }}) {
    Snooped stage;
    stage.add();
    stage.respond(422, not_in_stasis_body);
    CHECK_FALSE(stage.answer);
    end(stage);
    stage.respond(400, R"({"message":"Channel not found"})");
    CHECK_THAT(stage.error().message, ContainsSubstring("Channel not found"));
  }
}

TEST_CASE("an event about an earlier channel of the same id ends no wait") {
  Snooped stage;
  stage.add();
  stage.respond(422, not_in_stasis_body);
  stage.channel_event("StasisStart", "s1", before_entry);
  stage.channel_event("ChannelDestroyed", "s1", before_entry);
  CHECK(stage.server.stasis().is_awaited("s1"));
  stage.enters();
  stage.respond(204, "");
  CHECK(stage.answer->ok());
}

TEST_CASE("a refusal says whether the channel is not in its application yet or not any more") {
  struct Case {
    const char* stasis;
    const char* text;
    std::function<void(ControlStage&)> before;
  };
  const Case cases[] = {
      {"unknown", "which of the two is not known", [](ControlStage&) {}},
      {"no_longer", "has left the application 'demo'",
       [](ControlStage& stage) {
         stage.channel_event("StasisStart", "s1", after_entry);
         stage.channel_event("StasisEnd", "s1", after_entry);
       }},
      {"no_longer", "was in the application 'demo'",
       [](ControlStage& stage) { stage.channel_event("StasisStart", "s1", after_entry); }},
      {"unknown", "which of the two is not known",  // its end was told of, then another one came
       [](ControlStage& stage) {
         stage.channel_event("StasisEnd", "s1", after_entry);
         stage.channel_event("ChannelDestroyed", "s1", after_entry);
       }},
  };
  for (const Case& one : cases) {
    ControlStage stage;
    one.before(stage);
    stage.asterisk.requests.clear();
    stage.call("channels.hold", R"({"channelId":"s1"})");
    stage.respond(409, not_in_stasis_body);
    CHECK(stage.data("stasis") == one.stasis);
    CHECK(stage.data("message") == "Channel not in Stasis application");
    CHECK_THAT(stage.error().message, ContainsSubstring(one.text));
    CHECK(stage.asterisk.requests.size() == 1);
  }
}

TEST_CASE("of several channels those are named that are not known to be in an application") {
  ControlStage stage;
  stage.channel_event("StasisStart", "in", after_entry);
  stage.channel_event("StasisStart", "out", after_entry);
  stage.channel_event("StasisEnd", "out", after_entry);
  stage.call("bridges.addChannel", R"({"bridgeId":"b1","channel":["in","out"]})");
  stage.respond(422, not_in_stasis_body);
  CHECK(stage.data("stasis") == "no_longer");
  CHECK_THAT(stage.error().message, !ContainsSubstring("'in'"));
  stage.call("bridges.addChannel", R"({"bridgeId":"b1","channel":["nobody","out"]})");
  stage.respond(422, not_in_stasis_body);
  CHECK(stage.data("stasis") == "unknown");
  CHECK_THAT(stage.error().message, ContainsSubstring("'nobody'") && ContainsSubstring("'out'"));
}

TEST_CASE("a channel that goes elsewhere, or has entered before its command was answered, is not awaited") {
  ControlStage stage;
  stage.call("originate", R"({"endpoint":"PJSIP/1","channelId":"c1","app":"another"})");
  stage.respond(200, ControlStage::channel("c1", after_entry));
  CHECK_FALSE(stage.server.stasis().is_awaited("c1"));
  stage.call("originate", R"({"endpoint":"PJSIP/1","channelId":"c2"})");
  stage.request();
  stage.channel_event("StasisStart", "c2", after_entry);
  stage.respond(200, ControlStage::channel("c2", after_entry));
  CHECK_FALSE(stage.server.stasis().is_awaited("c2"));
  stage.call("originate", R"({"endpoint":"PJSIP/1","channelId":"c3"})");
  stage.respond(409, "{}");
  CHECK_FALSE(stage.server.stasis().is_awaited("c3"));
  stage.call("channels.externalMedia",
             R"({"channelId":"c4","app":"demo","external_host":"127.0.0.1:9","format":"ulaw"})");
  stage.waiting.clear();
}

TEST_CASE("a channel is waited for as long as was set, from when it was made") {
  Loop loop;
  StasisEntries entries(loop, {Milliseconds(30)});
  entries.made("c1", "demo", after_entry);
  bool done = false;
  entries.when_settled({"c1", "other"}, [&] { done = true; });
  CHECK_FALSE(done);
  REQUIRE(test::pump(loop, [&] { return done; }));
  CHECK_FALSE(entries.is_awaited("c1"));
  CHECK(entries.place("c1") == StasisEntries::Place::entering);  // it still may
  done = false;
  entries.when_settled({"c1"}, [&] { done = true; });
  CHECK(done);
}

TEST_CASE("of channels that enter late or have left the newest 4,096 are remembered") {
  Loop loop;
  StasisEntries entries(loop);
  for (int i = 0; i < 5000; ++i) entries.made("c" + std::to_string(i), "demo", after_entry);
  CHECK(entries.place("c0") == StasisEntries::Place::unknown);
  CHECK(entries.place("c4999") == StasisEntries::Place::entering);
}

TEST_CASE("a channel is awaited however often others of its id entered before") {
  Loop loop;
  StasisEntries entries(loop);
  const std::string start = R"({"type":"StasisStart","application":"demo","args":[],"channel":)" +
                            ControlStage::channel("c1", after_entry) + "}";
  const record::Record entered = test::read_event(start, start.size(), "pbx1", wall_now());
  for (int i = 0; i < 5000; ++i) {
    entries.made("c1", "demo", "2026-11-22T21:46:17.999Z");
    REQUIRE(entries.is_awaited("c1"));
    entries.see(entered);
    REQUIRE_FALSE(entries.is_awaited("c1"));
  }
}
