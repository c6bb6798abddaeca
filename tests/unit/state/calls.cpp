// Which channels belong to one call, and what is said of it.
#include "state/calls.h"

#include <set>

#include "record/own_records.h"
#include "record/record_text.h"
#include "state/model.h"
#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::state;

namespace {

// Publishes records as pbx::Server does.
struct CallStage {
  Model model;
  record::EventReader events{[] { return *parse_time("2026-11-22T23:50:00.001Z"); }};
  std::vector<record::Record> log;
  int second = 0;  // of the next event

  void append(record::Record record) {
    model.apply(record, log.size() + 1);
    log.push_back(std::move(record));
  }
  void publish(record::Record record) {
    Calls& calls = model.calls();
    calls.link(record, log.size() + 1, model);
    for (auto& before : calls.take_before()) append(std::move(before));
    append(std::move(record));
    for (auto& after : calls.take_after()) append(std::move(after));
  }
  void tell(const std::string& type, const std::string& members, const std::string& app = "demo",
            bool synthetic = false) {
    const std::string time =
        "2026-11-22T23:00:" + std::string(second < 10 ? "0" : "") + std::to_string(second);
    const std::string event = R"({"type":")" + type + R"(","timestamp":")" + time +
                              R"(.000+0000","application":")" + app + "\"," + members + "}";
    record::Record record;
    events.read(event, event.size(), "pbx1", record);
    INFO(event);
    REQUIRE(record.type != "Malformed");
    if (synthetic) record.add_member("synthetic", "true");
    publish(std::move(record));
  }
  void gone(const std::string& channel) {
    record::Record own =
        record::own_record(record::StateGone{}, "pbx1", *parse_time("2026-11-22T23:01:00.000Z"));
    own.ids.add(IdKind::channel, channel);
    publish(std::move(own));
  }
  // The records of a type.
  [[nodiscard]] std::vector<const record::Record*> of(std::string_view type) const {
    std::vector<const record::Record*> found;
    for (const auto& record : log) {
      if (record.type == type) found.push_back(&record);
    }
    return found;
  }
  [[nodiscard]] Json last(std::string_view type) const {
    const auto found = of(type);
    REQUIRE(!found.empty());
    std::string text(record::max_text_bytes(*found.back()), ' ');
    text.resize(static_cast<size_t>(record::write_text(*found.back(), 1, text.data()) - text.data()));
    Result<Json> parsed = parse_json(text);
    REQUIRE(parsed);
    return std::move(*parsed);
  }
  [[nodiscard]] std::vector<std::string_view> calls_of_last() const {
    return log.back().ids.of(IdKind::call);
  }
  [[nodiscard]] std::string call(std::string_view channel) const {
    return std::string(model.calls().call_of(channel));
  }
};

// Member `name` of a channel's text, with the time that tells apart channels of one id.
std::string shown(const std::string& member, const std::string& id, const std::string& state = "Up",
                  const std::string& name = "PJSIP/100-00000001", int made = 0) {
  return "\"" + member + R"(":{"id":")" + id + R"(","name":")" + name + R"(","state":")" + state +
         R"(","caller":{"name":"Alice","number":"100"},"connected":{"name":"Bob","number":"200"},)" +
         R"("dialplan":{"context":"in","exten":"300","priority":1},"creationtime":"2026-11-22T22:59:)" +
         (made < 10 ? "0" : "") + std::to_string(made) + R"(.000+0000"})";
}
std::string ends(const std::string& id, int made = 0, int cause = 16) {
  return R"("cause":)" + std::to_string(cause) + R"(,"cause_txt":"Normal Clearing",)" +
         shown("channel", id, "Up", "PJSIP/100-00000001", made);
}

}  // namespace

TEST_CASE("a call begins when a channel enters an application, and ends with it") {
  CallStage stage;
  stage.second = 1;
  stage.tell("StasisStart", R"("args":[],)" + shown("channel", "c1", "Ring"));
  REQUIRE(stage.log.size() == 2);
  CHECK(stage.log[0].type == "call.started");
  const std::string id = stage.call("c1");
  CHECK(stage.log[0].ids.of(IdKind::call) == std::vector<std::string_view>{id});
  CHECK(stage.log[1].ids.of(IdKind::call) == std::vector<std::string_view>{id});
  CHECK(stage.log[0].member("direction") == R"("inbound")");
  CHECK(stage.log[0].member("from") == R"({"name":"Alice","number":"100"})");
  CHECK(stage.log[0].member("to") == R"({"name":"","number":"300"})");
  stage.second = 4;
  stage.tell("ChannelStateChange", shown("channel", "c1"));
  CHECK(stage.log.back().type == "call.answered");
  CHECK(stage.log.back().member("ring_ms") == "64000");  // from its creation
  stage.second = 10;
  stage.tell("ChannelHold", shown("channel", "c1"));
  stage.second = 12;
  stage.tell("ChannelUnhold", shown("channel", "c1"));
  stage.tell("StasisEnd", shown("channel", "c1"));
  CHECK(stage.model.calls().size() == 1);
  stage.second = 20;
  stage.tell("ChannelDestroyed", ends("c1"));
  CHECK(stage.log.back().type == "call.ended");
  const Json ended = stage.last("call.ended");
  CHECK(find_string(ended, "how") == "ended");
  CHECK(find(ended, "complete")->GetBool());
  CHECK(find(ended, "ring_ms")->GetInt() == 64000);
  CHECK(find(ended, "talk_ms")->GetInt() == 16000);
  CHECK(find(ended, "hold_ms")->GetInt() == 2000);
  const Calls::Counts& counts = stage.model.calls().counts();
  CHECK(counts.started == 1);
  CHECK(counts.ended[0][1] == 1);
  CHECK(counts.ended[0][0] + counts.ended[1][0] + counts.ended[1][1] == 0);
  CHECK(find(ended, "cause")->GetInt() == 16);
  CHECK(find_string(ended, "app") == "demo");
  CHECK(stage.model.calls().size() == 0);
  CHECK(stage.model.calls().find(id) == nullptr);
}

TEST_CASE("a record about a call has nothing of those before it") {
  CallStage stage;
  stage.tell("StasisStart", R"("args":[],)" + shown("channel", "c1"));
  stage.tell("Dial", R"("dialstatus":"",)" + shown("caller", "c1") + "," + shown("peer", "c2", "Ring", "PJSIP/200-1"));
  for (const std::string id : {"c2", "c1"}) stage.tell("ChannelDestroyed", ends(id));
  const Json first = stage.last("call.ended");
  CHECK(find(first, "channels")->Size() == 2);
  CHECK(find(first, "legs")->Size() == 2);
  stage.tell("StasisStart", R"("args":[],)" + shown("channel", "c3", "Ring"), "other");
  stage.tell("ChannelDestroyed", ends("c3"), "other");
  const Json second = stage.last("call.ended");
  CHECK(find_string(second, "app") == "other");
  CHECK(find(second, "channels")->Size() == 1);
  CHECK(find(second, "calls")->Size() == 1);
  CHECK(find(second, "legs")->Size() == 1);
  CHECK(find(second, "answered") == nullptr);
  CHECK(stage.of("call.started").size() == 2);
  CHECK(stage.of("call.answered").size() == 1);
  CHECK(stage.of("call.ended").size() == 2);
}

TEST_CASE("every copy of an event has the call, and only one of them ends it") {
  CallStage stage;
  for (const std::string app : {"demo", "other"}) stage.tell("ChannelCreated", shown("channel", "c1"), app);
  stage.tell("StasisStart", R"("args":[],)" + shown("channel", "c1"));
  stage.tell("ChannelStateChange", shown("channel", "c1"), "other");
  CHECK(stage.of("call.answered").size() == 1);
  stage.tell("ChannelDestroyed", ends("c1"), "other");
  stage.tell("StasisEnd", shown("channel", "c1"));
  CHECK(stage.calls_of_last().size() == 1);
  stage.tell("ChannelDestroyed", ends("c1"));
  CHECK(stage.calls_of_last().size() == 1);
  stage.tell("StasisStart", R"("args":[],)" + shown("channel", "c1"));  // as late as can be
  CHECK(stage.of("call.started").size() == 1);
  CHECK(stage.of("call.ended").size() == 1);
}

TEST_CASE("both halves of a Local channel are of one call, whichever is seen first") {
  const bool first = GENERATE(true, false);
  CallStage stage;
  const auto half = [](int number) {
    return shown("channel", "l" + std::to_string(number), "Up",
                 "Local/200@out-00000007;" + std::to_string(number));
  };
  stage.tell("ChannelCreated", half(first ? 1 : 2));
  stage.tell("ChannelCreated", half(first ? 2 : 1));
  CHECK(stage.calls_of_last().empty());
  stage.tell("StasisStart", R"("args":[],)" + half(1));
  CHECK(stage.call("l1") == stage.call("l2"));
  stage.tell("ChannelVarset", R"("variable":"a","value":"b",)" + half(2));
  CHECK(stage.calls_of_last().size() == 1);
  // What the dialplan dials on the other half is of the call, too.
  stage.tell("ChannelCreated", shown("channel", "p1", "Down"));
  stage.tell("Dial",
             R"("dialstatus":"","caller")" + half(2).substr(9) + "," + shown("peer", "p1", "Ringing"));
  CHECK(stage.call("p1") == stage.call("l1"));
  for (const std::string id : {"l1", "l2"}) {
    CHECK(stage.of("call.ended").empty());
    stage.tell("ChannelDestroyed", R"("cause":16,"cause_txt":"x",)" + shown("channel", id, "Up", "Local/x"));
  }
  stage.tell("ChannelDestroyed", ends("p1"));
  const Json ended = stage.last("call.ended");
  const JsonValue& legs = *find(ended, "legs");
  REQUIRE(legs.Size() == 3);
  std::set<std::string> ways;
  for (const JsonValue& leg : legs.GetArray()) ways.emplace(find_string(leg, "joined_by"));
  CHECK(ways == std::set<std::string>{"first", "local", "dial"});
}

TEST_CASE("the other half of a Local channel joins with the first record that shows it, of whatever type") {
  CallStage stage;
  stage.tell("StasisStart", R"("args":[],)" + shown("channel", "l1", "Up", "Local/200@out-00000007;1"));
  stage.tell("ChannelDialplan", R"("dialplan_app":"Wait","dialplan_app_data":"1",)" +
                                    shown("channel", "l2", "Up", "Local/200@out-00000007;2"));
  CHECK(stage.call("l2") == stage.call("l1"));
  CHECK(stage.calls_of_last().size() == 1);
  // Others do not.
  stage.tell("ChannelDialplan", R"("dialplan_app":"Wait","dialplan_app_data":"1",)" +
                                    shown("channel", "l3", "Up", "Local/200@out-00000008;2"));
  CHECK(stage.calls_of_last().empty());
  for (const std::string id : {"l1", "l2"}) stage.tell("ChannelDestroyed", ends(id));
  CHECK(stage.last("call.ended")["legs"].Size() == 2);
  stage.tell("ChannelHangupRequest", shown("channel", "l2", "Up", "Local/200@out-00000007;2"));  // late
  CHECK(stage.of("call.started").size() == 1);
}

TEST_CASE("who is called is the endpoint, if its caller id is that of the call") {
  CallStage stage;
  const auto alike = [](const std::string& state) {
    std::string text = shown("channel", "o1", state, "Local/700@out-00000002;1");
    return text.replace(text.find(R"("name":"Bob","number":"200")"), 27, R"("name":"Alice","number":"100")");
  };
  stage.model.calls().expect("o1", "");
  stage.tell("ChannelCreated", alike("Down"));
  stage.tell("StasisStart", R"("args":[],)" + alike("Up"));
  const Call& call = *stage.model.calls().find(stage.call("o1"));
  CHECK(call.from.number == "100");
  CHECK(call.to.number == "700@out");
  CHECK(call.to.name.empty());
}

TEST_CASE("what was dialled before the caller's call began joins it, with all that is below") {
  CallStage stage;
  stage.tell("Dial", R"("dialstatus":"",)" + shown("caller", "a") + "," + shown("peer", "b"));
  stage.tell("Dial", R"("dialstatus":"",)" + shown("caller", "b") + "," + shown("peer", "c") + "," +
                         shown("forwarded", "d"));
  CHECK(stage.model.calls().size() == 0);
  stage.tell("StasisStart", R"("args":[],)" + shown("channel", "a"));
  for (const std::string_view id : {"b", "c", "d"}) CHECK(stage.call(id) == stage.call("a"));
  CHECK(stage.model.calls().find(stage.call("a"))->legs.size() == 4);
}

TEST_CASE("a channel stays in its call, and dialling it changes nothing") {
  CallStage stage;
  stage.tell("StasisStart", R"("args":[],)" + shown("channel", "a"));
  stage.tell("StasisStart", R"("args":[],)" + shown("channel", "b"));
  const std::string before = stage.call("b");
  CHECK(before != stage.call("a"));
  stage.tell("Dial", R"("dialstatus":"",)" + shown("caller", "a") + "," + shown("peer", "b"));
  CHECK(stage.call("b") == before);
  CHECK(stage.calls_of_last().size() == 2);
}

TEST_CASE("a channel that a command creates begins a call, or joins one") {
  CallStage stage;
  stage.model.calls().expect("o1", "");
  stage.tell("ChannelCreated", shown("channel", "o1", "Down", "PJSIP/700-00000002"));
  const Json started = stage.last("call.started");
  CHECK(find_string(started, "direction") == "outbound");
  CHECK(find_string(*find(started, "from"), "number") == "200");
  stage.model.calls().expect("o2", stage.call("o1"));
  stage.model.calls().expect("o3", "no such call");
  stage.tell("Dial", R"("dialstatus":"",)" + shown("peer", "o2", "Ringing"));
  stage.tell("ChannelVarset", R"("variable":"a","value":"b",)" + shown("channel", "o3", "Down"));
  CHECK(stage.call("o2") == stage.call("o1"));
  CHECK(!stage.call("o3").empty());
  CHECK(stage.call("o3") != stage.call("o1"));
  stage.model.calls().expect("o4", "");
  stage.model.calls().expect_no_more("o4");
  stage.tell("ChannelCreated", shown("channel", "o4"));
  CHECK(stage.call("o4").empty());
}

TEST_CASE("whom an originated call is forwarded to answers it, and it ends as that one does") {
  CallStage stage;
  stage.second = 1;
  stage.model.calls().expect("c1", "");
  stage.tell("ChannelCreated", shown("channel", "c1", "Down"));
  stage.tell("ChannelCreated", shown("channel", "c2", "Down"));
  stage.tell("Dial", R"("dialstatus":"CANCEL","forward":"700",)" + shown("peer", "c1", "Down") + "," +
                         shown("forwarded", "c2", "Down"));
  CHECK(stage.call("c2") == stage.call("c1"));
  stage.second = 3;
  stage.tell("ChannelDestroyed", ends("c1", 0, 23));
  CHECK(stage.of("call.answered").empty());
  stage.second = 4;
  stage.tell("StasisStart", R"("args":[],)" + shown("channel", "c2"));
  REQUIRE(stage.of("call.answered").size() == 1);
  CHECK(stage.of("call.answered")[0]->ids.of(IdKind::channel) == std::vector<std::string_view>{"c2"});
  stage.second = 10;
  stage.tell("ChannelDestroyed", ends("c2"));
  const Json ended = stage.last("call.ended");
  CHECK(find(ended, "talk_ms")->GetInt() == 6000);
  CHECK(find(ended, "cause")->GetInt() == 16);
  REQUIRE(find(ended, "legs")->Size() == 2);
  CHECK(find_string((*find(ended, "legs"))[0], "joined_by") == "first");
  CHECK(find((*find(ended, "legs"))[0], "cause")->GetInt() == 23);
  CHECK(find_string((*find(ended, "legs"))[1], "joined_by") == "forward");
}

TEST_CASE("who replaces a channel in a transfer joins its call") {
  CallStage stage;
  stage.tell("StasisStart", R"("args":[],)" + shown("channel", "a"));
  stage.tell("StasisStart", R"("args":[],)" + shown("channel", "b"));
  stage.tell("StasisStart", R"("args":[],)" + shown("channel", "r") + "," + shown("replace_channel", "a"));
  CHECK(stage.call("r") == stage.call("a"));
  for (const std::string app : {"demo", "other"}) {
    stage.tell("BridgeBlindTransfer",
               R"("result":"Success","is_external":true,"exten":"700","context":"out",)" +
                   shown("channel", "b") + "," + shown("replace_channel", "s"),
               app);
  }
  CHECK(stage.call("s").empty());  // nothing else has shown it: the event shows what was
  stage.tell("ChannelCreated", shown("channel", "t"));
  for (const std::string app : {"demo", "other"}) {
    stage.tell("BridgeAttendedTransfer",
               R"("result":"Success","is_external":true,"destination_type":"bridge",)" +
                   shown("transferer_first_leg", "a") + "," + shown("transferer_second_leg", "b") + "," +
                   shown("replace_channel", "t") + "," + shown("transfer_target", "x"),
               app);
  }
  CHECK(stage.call("t") == stage.call("a"));
  const Call& first = *stage.model.calls().find(stage.call("a"));
  REQUIRE(first.transfers.size() == 1);
  CHECK(first.transfers[0].kind == "attended");
  CHECK(first.transfers[0].to == "x");
  const Call& second = *stage.model.calls().find(stage.call("b"));
  REQUIRE(second.transfers.size() == 2);
  CHECK(second.transfers[0].to == "700@out");
}

TEST_CASE("a transfer is one of the calls of who transfers, of who is transferred, and of whom it is to") {
  CallStage stage;
  for (const char* channel : {"by", "with", "c1", "c2"})
    stage.tell("StasisStart", R"("args":[],)" + shown("channel", channel));
  stage.tell("BridgeAttendedTransfer",
             R"("result":"Success","is_external":false,"destination_type":"bridge",)" +
                 shown("transferer_first_leg", "by") + "," + shown("transferer_second_leg", "with") + "," +
                 shown("transferee", "c1") + "," + shown("transfer_target", "c2"));
  for (const char* channel : {"by", "with", "c1", "c2"}) {
    INFO(channel);
    const Call* const call = stage.model.calls().find(stage.call(channel));
    REQUIRE(call != nullptr);
    REQUIRE(call->transfers.size() == 1);
    CHECK(call->transfers[0].kind == "attended");
    CHECK(call->transfers[0].channel == "by");
    CHECK(call->transfers[0].to == "c2");
  }
}

TEST_CASE(
    "who talks after an attended transfer is of the call, also where the event does not name the target") {
  CallStage stage;
  stage.tell("StasisStart", R"("args":[],)" + shown("channel", "a"));
  stage.tell("ChannelCreated", shown("channel", "customer"));
  stage.tell("ChannelCreated", shown("channel", "target"));
  const std::string bridge =
      R"("bridge_type":"mixing","technology":"x","bridge_class":"x","creator":"","name":"",)"
      R"("creationtime":"2026-11-22T22:00:00.000+0000","channels":)";
  stage.tell(
      "BridgeAttendedTransfer",
      R"("result":"Success","is_external":false,"destination_type":"bridge","destination_bridge":"b1",)" +
          shown("transferer_first_leg", "a") + "," + shown("transferer_second_leg", "a") + "," +
          shown("transferee", "customer") + R"(,"transferer_first_leg_bridge":{"id":"b1",)" + bridge +
          R"(["customer","target"]},"transferer_second_leg_bridge":{"id":"b2",)" + bridge + "[]}");
  CHECK(stage.call("target") == stage.call("a"));
  CHECK(stage.call("customer").empty());
  REQUIRE(stage.model.calls().find(stage.call("a"))->transfers.size() == 1);
  CHECK(stage.model.calls().find(stage.call("a"))->transfers[0].to == "target");
}

TEST_CASE("a call that Asterisk reports no more has left; a channel that comes back begins another") {
  CallStage stage;
  stage.tell("StasisStart", R"("args":[],)" + shown("channel", "a"));
  const std::string first = stage.call("a");
  stage.second = 5;
  stage.tell("StasisEnd", shown("channel", "a"));
  stage.gone("a");
  CHECK(stage.log.back().type == "call.ended");
  CHECK(stage.log.back().member("how") == R"("left")");
  stage.second = 30;
  stage.tell("StasisStart", R"("args":[],)" + shown("channel", "a"));
  CHECK(stage.of("call.started").size() == 2);
  CHECK(stage.call("a") != first);
  stage.tell("ChannelDestroyed", ends("a"));
  CHECK(stage.log.back().member("how") == R"("ended")");
  CHECK(stage.of("call.ended").size() == 2);
}

TEST_CASE("a leg that comes back while its call lives is of it again") {
  CallStage stage;
  stage.tell("StasisStart", R"("args":[],)" + shown("channel", "a"));
  stage.tell("Dial", R"("dialstatus":"",)" + shown("caller", "a") + "," + shown("peer", "b"));
  stage.gone("b");
  CHECK(stage.model.calls().find(stage.call("a"))->live_legs == 1);
  stage.tell("StasisStart", R"("args":[],)" + shown("channel", "b"));
  CHECK(stage.call("b") == stage.call("a"));
  CHECK(stage.model.calls().find(stage.call("a"))->live_legs == 2);
  stage.tell("ChannelDestroyed", ends("a"));
  CHECK(stage.of("call.ended").empty());
  stage.tell("ChannelDestroyed", ends("b"));
  CHECK(stage.log.back().member("how") == R"("ended")");
  CHECK(stage.of("call.started").size() == 1);
}

TEST_CASE("an id that is used again is another call's") {
  CallStage stage;
  const bool is_end_seen = GENERATE(true, false);
  stage.tell("StasisStart", R"("args":[],)" + shown("channel", "a", "Up", "PJSIP/100-00000001", 0));
  const std::string first = stage.call("a");
  if (is_end_seen) stage.tell("ChannelDestroyed", ends("a", 0));
  stage.second = 3;
  stage.tell("StasisStart", R"("args":[],)" + shown("channel", "a", "Up", "PJSIP/100-00000001", 2));
  CHECK(stage.call("a") != first);
  stage.tell("ChannelDestroyed", ends("a", 0));  // late
  CHECK(stage.of("call.ended").size() == 1);
  stage.tell("ChannelDestroyed", ends("a", 2));
  CHECK(stage.of("call.ended").size() == 2);
  CHECK(stage.model.calls().size() == 0);
}

TEST_CASE("a call of which a part fell into a gap is not complete") {
  CallStage stage;
  stage.tell("StasisStart", R"("args":[],)" + shown("channel", "a"));
  stage.tell("StasisStart", R"("args":[],)" + shown("channel", "b"));
  stage.tell("ChannelDestroyed", ends("a"));
  CHECK(stage.log.back().member("complete") == "true");
  stage.publish(
      record::own_record(record::ServerGap{.from = {}, .to = {}, .reason = "x"}, "pbx1", wall_now()));
  stage.tell("StasisStart", R"("args":[],)" + shown("channel", "c"), "demo", true);
  stage.tell("StasisStart", R"("args":[],)" + shown("channel", "d"));
  for (const std::string id : {"b", "c", "d"}) stage.tell("ChannelDestroyed", ends(id));
  const auto ended = stage.of("call.ended");
  REQUIRE(ended.size() == 4);
  CHECK(ended[1]->member("complete") == "false");
  CHECK(ended[2]->member("complete") == "false");
  CHECK(ended[3]->member("complete") == "true");
}

TEST_CASE("a call has the applications, and the recordings of its channels and of their bridges") {
  CallStage stage;
  stage.tell("StasisStart", R"("args":[],)" + shown("channel", "a"));
  stage.tell("StasisEnd", shown("channel", "a"));
  stage.tell("StasisStart", R"("args":[],)" + shown("channel", "a"), "second");
  CHECK(stage.of("call.started").size() == 1);
  const std::string in_bridge =
      R"("bridge":{"id":"br","technology":"x","bridge_type":"mixing","bridge_class":"stasis","creator":"","name":"",)"
      R"("channels":["a"],"creationtime":"2026-11-22T22:00:00.000+0000"})";
  stage.tell("ChannelEnteredBridge", in_bridge + "," + shown("channel", "a"));
  const auto recording = [](const std::string& state, const std::string& target) {
    return R"("recording":{"name":"r-)" + target + R"(","format":"wav","state":")" + state +
           R"(","target_uri":")" + target + R"(","duration":7})";
  };
  for (const std::string target : {"channel:a", "bridge:br", "channel:other"}) {
    stage.tell("RecordingStarted", recording("recording", target), "second");
    stage.tell("RecordingFinished", recording("done", target), "second");
  }
  stage.tell("ChannelDestroyed", ends("a"), "second");
  const Json ended = stage.last("call.ended");
  CHECK(find_string(ended, "app") == "second");
  CHECK(find(ended, "apps")->Size() == 2);
  REQUIRE(find(ended, "recorded")->Size() == 2);
  CHECK(find((*find(ended, "recorded"))[0], "duration")->GetInt() == 7);
}

TEST_CASE("the calls survive in the log") {
  CallStage stage;
  stage.model.calls().expect("o1", "");
  stage.tell("ChannelCreated", shown("channel", "o1", "Down"));
  stage.model.calls().expect("o2", stage.call("o1"));
  stage.tell("ChannelCreated", shown("channel", "o2", "Down"));
  stage.tell("StasisStart", R"("args":[],)" + shown("channel", "a"));
  stage.tell("Dial", R"("dialstatus":"",)" + shown("caller", "a") + "," + shown("peer", "b"));
  stage.tell("StasisStart", R"("args":[],)" + shown("channel", "z"));
  stage.tell("ChannelDestroyed", ends("z"));
  stage.tell("ChannelVarset", R"("variable":"a","value":"b",)" + shown("channel", "o1"));
  stage.tell("ChannelVarset", R"("variable":"a","value":"b",)" + shown("channel", "o2"));
  stage.tell("ChannelVarset", R"("variable":"a","value":"b",)" + shown("channel", "a"));
  stage.tell("ChannelVarset", R"("variable":"a","value":"b",)" + shown("channel", "b"));

  // Also when the log has lost its beginning.
  const size_t from = GENERATE(range(0, 12));
  CallStage again;
  for (size_t i = from; i < stage.log.size(); ++i) {
    again.model.calls().recall(stage.log[i], i + 1, again.model);
    again.model.apply(stage.log[i], i + 1);
    again.log.push_back(stage.log[i]);
  }
  again.model.calls().recalled("pbx1", wall_now(), again.model);
  for (const std::string_view id : {"o1", "o2", "a", "b"}) CHECK(again.call(id) == stage.call(id));
  CHECK(again.model.calls().size() == 2);
  CHECK_FALSE(again.model.calls().has_before());
  CHECK_FALSE(again.model.calls().has_after());
  again.tell("ChannelDestroyed", ends("a"));
  again.tell("ChannelDestroyed", ends("b"));
  CHECK(again.log.back().type == "call.ended");
  if (from == 0) {
    CHECK(again.log.back().member("complete") == "true");
    CHECK(again.log.back().member("legs").find(R"("joined_by":"first")") != std::string_view::npos);
  }
  CHECK(again.log.back().ids.of(IdKind::call) == std::vector<std::string_view>{stage.call("a")});
  CHECK(again.model.calls().size() == 1);
}

TEST_CASE("an id that a channel of no call had is another channel's, also after a restart") {
  CallStage stage;
  stage.tell("ChannelCreated", shown("channel", "x", "Down", "Local/1@a-00000001;1", 1));
  stage.tell("ChannelCreated", shown("channel", "x", "Down", "PJSIP/100-00000002", 2));
  CHECK(stage.model.calls().channels() == 1);
  stage.tell("StasisStart", R"("args":[],)" + shown("channel", "x", "Up", "PJSIP/100-00000002", 2));
  CHECK(stage.model.calls().size() == 1);

  CallStage again;
  for (size_t i = 0; i < stage.log.size(); ++i) {
    again.model.calls().recall(stage.log[i], i + 1, again.model);
    again.model.apply(stage.log[i], i + 1);
  }
  again.model.calls().recalled("pbx1", wall_now(), again.model);
  CHECK(again.model.calls().channels() == 1);
  CHECK(again.call("x") == stage.call("x"));
}

TEST_CASE("a call that ended when the earlier process died is reported as ended") {
  CallStage stage;
  stage.tell("StasisStart", R"("args":[],)" + shown("channel", "a"));
  stage.tell("ChannelDestroyed", ends("a"));
  stage.log.pop_back();  // call.ended
  CallStage again;
  for (size_t i = 0; i < stage.log.size(); ++i) {
    again.model.calls().recall(stage.log[i], i + 1, again.model);
    again.model.apply(stage.log[i], i + 1);
  }
  again.model.calls().recalled("pbx1", wall_now(), again.model);
  const auto ended = again.model.calls().take_after();
  REQUIRE(ended.size() == 1);
  CHECK(ended[0].type == "call.ended");
}

TEST_CASE("what is remembered of calls is bounded") {
  CallStage stage;
  stage.tell("StasisStart", R"("args":[],)" + shown("channel", "a"));
  for (int i = 0; i < 400; ++i) {
    const std::string id = "b" + std::to_string(i);
    stage.tell("Dial", R"("dialstatus":"",)" + shown("caller", "a") + "," + shown("peer", id));
    stage.tell("ChannelDestroyed", ends(id));
  }
  const Call& call = *stage.model.calls().find(stage.call("a"));
  CHECK(call.legs.size() <= Call::max_ended_legs + 2);
  CHECK(call.legs.size() + call.legs_left_out.value_or(0) == 401);
  CHECK(call.legs.front().channel == "a");
  CHECK(call.live_legs == 1);
  for (int i = 0; i < 11'000; ++i) {
    const std::string id = "n" + std::to_string(i);
    stage.tell("StasisStart", R"("args":[],)" + shown("channel", id));
    stage.tell("ChannelDestroyed", ends(id));
    stage.log.clear();
  }
  CHECK(stage.model.calls().channels() <= 10'000 + 400 + 1);
}

TEST_CASE("a version of the live objects has the calls of its time") {
  CallStage stage;
  stage.tell("StasisStart", R"("args":[],)" + shown("channel", "a", "Ring"));
  const auto then = stage.model.freeze();
  stage.tell("ChannelStateChange", shown("channel", "a"));
  stage.tell("ChannelDestroyed", ends("a"));
  REQUIRE(then->calls().size() == 1);
  const Call* call = then->calls().find((*then->calls().begin()).id);
  CHECK_FALSE(call->answered);
  CHECK(call->live_legs == 1);
  CHECK(stage.model.freeze()->calls().size() == 0);
}
