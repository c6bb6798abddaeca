// The calls of `aribus calls` and their legs.
#include "cli/calls_table.h"

#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::cli;

namespace {

std::string channel(const std::string& id, const std::string& number, const std::string& state = "Up") {
  return R"({"id":")" + id + R"(","name":"PJSIP/)" + number + R"(-1","state":")" + state +
         R"(","caller":{"name":"","number":")" + number + R"("},"connected":{"name":"","number":""},)" +
         R"("dialplan":{"context":"x","exten":"s","priority":1},"creationtime":"2026-11-22T21:46:07.000Z"})";
}
std::string bridge(const std::string& channels, const std::string& type = "mixing") {
  return R"({"id":"b1","name":"lobby","bridge_type":")" + type + R"(","channels":[)" + channels + "]}";
}
std::string local(const std::string& id, int half) {
  std::string text = channel(id, "");
  return text.replace(text.find("PJSIP/-1"), 8, "Local/7@x-0001;" + std::to_string(half));
}

struct TableStage {
  CallsTable table;
  void tell(const std::string& type, const std::string& members) {
    table.apply(
        *parse_json(R"({"seq":1,"time":"2026-11-22T21:46:16.000Z","server":"pbx1","app":"demo","type":")" +
                    type + "\"," + members + "}"));
  }
  // Of the one channel, or of the one with this id.
  [[nodiscard]] LegRow row(const std::string& id = "") const {
    for (const CallRow& call : table.rows()) {
      for (const LegRow& leg : call.legs) {
        if (id.empty() || leg.channel == id) return leg;
      }
    }
    FAIL("no channel " + id);
    return {};
  }
  [[nodiscard]] CallRow call(const std::string& id) const {
    for (CallRow& call : table.rows()) {
      if (call.id == id) return call;
    }
    FAIL("no call " + id);
    return {};
  }
  [[nodiscard]] std::string legs(const std::string& id) const {
    std::string out;
    for (const LegRow& leg : call(id).legs) out += (out.empty() ? "" : " ") + leg.channel;
    return out;
  }
  // Of calls, and channels of no call.
  [[nodiscard]] size_t size() const { return table.rows().size(); }
};

}  // namespace

TEST_CASE("a channel has a row from the first record that shows it to its end") {
  TableStage stage;
  stage.tell("StasisStart", R"("channels":["c1"],"channel":)" + channel("c1", "100", "Ring"));
  REQUIRE(stage.size() == 1);
  CHECK(stage.row().who == "100");
  CHECK(stage.row().name == "PJSIP/100-1");
  CHECK(stage.row().server == "pbx1");
  CHECK(stage.row().state == "Ring");
  CHECK(stage.row().app == "demo");
  CHECK(stage.row().channel == "c1");
  CHECK(stage.table.rows().front().id.empty());
  CHECK(stage.table.rows().front().who == "100");
  CHECK(stage.row().began == *parse_time("2026-11-22T21:46:07.000Z"));
  stage.tell("StasisEnd", R"("channels":["c1"],"channel":)" + channel("c1", "100"));
  CHECK(stage.row().app.empty());
  stage.tell("ChannelDestroyed", R"("channels":["c1"],"channel":)" + channel("c1", "100"));
  stage.tell("ChannelHangupRequest", R"("channels":["c1"],"channel":)" + channel("c1", "100"));
  CHECK(stage.size() == 0);
}

TEST_CASE("those in a bridge are with each other") {
  TableStage stage;
  stage.tell("StasisStart", R"("channel":)" + channel("c1", "100"));
  stage.tell("StasisStart", R"("channel":)" + channel("c2", "200"));
  stage.tell("ChannelEnteredBridge",
             R"("channel":)" + channel("c1", "100") + R"(,"bridge":)" + bridge(R"("c1")"));
  CHECK(stage.row("c1").with == "alone in lobby");
  stage.tell("ChannelEnteredBridge",
             R"("channel":)" + channel("c2", "200") + R"(,"bridge":)" + bridge(R"("c1","c2")"));
  CHECK(stage.row("c1").with == "200");
  CHECK(stage.row("c2").with == "100");
  CHECK(stage.row("c2").bridge_id == "b1");
  CHECK(stage.row("c2").bridge() == "lobby");
  stage.tell("ChannelLeftBridge",
             R"("channel":)" + channel("c2", "200") + R"(,"bridge":)" + bridge(R"("c1")"));
  CHECK(stage.row("c2").with.empty());
  CHECK(stage.row("c2").bridge_id.empty());
}

TEST_CASE("those in a holding bridge wait, and are with nobody") {
  TableStage stage;
  stage.tell("StasisStart", R"("channel":)" + channel("c1", "100"));
  stage.tell("StasisStart", R"("channel":)" + channel("c2", "200"));
  stage.tell("ChannelEnteredBridge",
             R"("channel":)" + channel("c2", "200") + R"(,"bridge":)" + bridge(R"("c1","c2")", "holding"));
  CHECK(stage.row("c1").with == "waits in lobby");
  CHECK(stage.row("c2").with == "waits in lobby");
  CHECK(stage.row("c1").bridge() == "lobby (holding)");
}

TEST_CASE("the halves of a Local channel name each other") {
  TableStage stage;
  stage.tell("StasisStart", R"("channel":)" + local("l2", 2));
  CHECK(stage.row("l2").half.empty());
  stage.tell("StasisStart", R"("channel":)" + local("l1", 1));
  stage.tell("StasisStart", R"("channel":)" + channel("c1", "100"));
  CHECK(stage.row("l1").half == "l2");
  CHECK(stage.row("l2").half == "l1");
  CHECK(stage.row("c1").half.empty());
  // Of another Asterisk it may have the same name.
  stage.tell("ChannelDestroyed", R"("channels":["l1"],"channel":)" + local("l1", 1));
  stage.table.apply(
      *parse_json(R"({"server":"pbx2","type":"ChannelCreated","channel":)" + local("l1", 1) + "}"));
  CHECK(stage.row("l2").half.empty());
}

TEST_CASE("a call has who calls whom, and the legs that the daemon says are its own, in their order") {
  TableStage stage;
  stage.tell(
      "call.started",
      R"("calls":["k1"],"channels":["z1"],"direction":"inbound","from":{"name":"Alice","number":"100"},)"
      R"("to":{"name":"","number":"200"},"started":"2026-11-22T21:46:05.000Z","complete":false)");
  CHECK(stage.size() == 0);  // no record shows its channel yet
  stage.tell("StasisStart", R"("calls":["k1"],"channels":["z1"],"channel":)" + channel("z1", "100", "Ring"));
  CallRow call = stage.call("k1");
  CHECK(call.who == "Alice <100>");
  CHECK(call.called == "200");
  CHECK(call.direction == "inbound");
  CHECK(call.started == *parse_time("2026-11-22T21:46:05.000Z"));
  CHECK_FALSE(call.complete);
  CHECK(call.state == "ringing");
  CHECK(call.app() == "demo");

  stage.tell("Dial", R"("calls":["k1"],"channels":["z1","b1"],"caller":)" + channel("z1", "100") +
                         R"(,"peer":)" + channel("b1", "200", "Ringing"));
  CHECK(stage.legs("k1") == "z1 b1");
  stage.tell("ChannelVarset", R"("calls":["k1"],"channels":["a1"],"channel":)" + channel("a1", "201"));
  CHECK(stage.legs("k1") == "z1 b1 a1");
  stage.tell("call.answered", R"("calls":["k1"],"channels":["z1"],"answered":"2026-11-22T21:46:09.000Z")");
  CHECK(stage.call("k1").state == "up");

  stage.tell("ChannelDestroyed", R"("calls":["k1"],"channels":["z1"],"channel":)" + channel("z1", "100"));
  CHECK(stage.legs("k1") == "b1 a1");
  CHECK(stage.call("k1").who == "Alice <100>");
  stage.tell("state.gone", R"("calls":["k1"],"channels":["a1"])");
  CHECK(stage.legs("k1") == "b1");
  stage.tell("ChannelDestroyed", R"("calls":["k1"],"channels":["b1"],"channel":)" + channel("b1", "200"));
  stage.tell("call.ended", R"("calls":["k1"],"channels":["z1","b1","a1"])");
  CHECK(stage.size() == 0);
  // A late copy.
  stage.tell("ChannelHangupRequest", R"("calls":["k1"],"channels":["b1"],"channel":)" + channel("b1", "200"));
  CHECK(stage.size() == 0);
}

TEST_CASE("a record that names other channels or calls, too, makes nobody a leg") {
  TableStage stage;
  stage.tell("StasisStart", R"("calls":["k1"],"channels":["c1"],"channel":)" + channel("c1", "100"));
  stage.tell("ChannelCreated", R"("channels":["c2"],"channel":)" + channel("c2", "200"));
  stage.tell("ChannelEnteredBridge", R"("calls":["k1"],"channels":["c2","c1"],"channel":)" +
                                         channel("c2", "200") + R"(,"bridge":)" + bridge(R"("c1","c2")"));
  stage.tell("ChannelEnteredBridge", R"("calls":["k1","k2"],"channels":["c2"],"channel":)" +
                                         channel("c2", "200") + R"(,"bridge":)" + bridge(R"("c1","c2")"));
  CHECK(stage.legs("k1") == "c1");
  CHECK(stage.size() == 2);
  CHECK(stage.call("k1").who == "100");  // nothing but its id is known
}

TEST_CASE("a call waits or is on hold as long as one of its legs is") {
  TableStage stage;
  const std::string begins =
      R"("calls":["k1"],"channels":["c1"],"direction":"inbound","from":{"name":"","number":"100"},)"
      R"("to":{"name":"","number":"s"},"started":"2026-11-22T21:46:05.000Z","complete":true)";
  const std::string about = R"("calls":["k1"],"channels":["c1"],"channel":)" + channel("c1", "100");
  stage.tell("call.started", begins);
  stage.tell("StasisStart", about);
  stage.tell("ChannelEnteredBridge", about + R"(,"bridge":)" + bridge(R"("c1")", "holding"));
  CHECK(stage.call("k1").state == "waiting");
  stage.tell("ChannelHold", about);
  CHECK(stage.call("k1").state == "on hold");
  CHECK(stage.row("c1").held);
  stage.tell("ChannelUnhold", about);
  CHECK(stage.call("k1").state == "waiting");
  stage.tell("ChannelLeftBridge", about + R"(,"bridge":)" + bridge("", "holding"));
  CHECK(stage.call("k1").state == "ringing");
}

TEST_CASE("whom an outbound call reaches is known when its first channel enters the application") {
  TableStage stage;
  stage.tell("call.started",
             R"("calls":["k1"],"channels":["c1"],"direction":"outbound","from":{"name":"","number":""},)"
             R"("to":{"name":"","number":"200"},"started":"2026-11-22T21:46:05.000Z","complete":true)");
  std::string shown = channel("c1", "200");
  shown.replace(shown.find(R"("name":"","number":"200")"), 24, R"("name":"Bob","number":"200")");
  stage.tell("StasisStart", R"("calls":["k1"],"channels":["c1"],"channel":)" + shown);
  CHECK(stage.call("k1").called == "Bob <200>");
  CHECK(stage.call("k1").who == "Bob <200>");  // nobody else is known
}

TEST_CASE("what ended unseen goes with the record that says what there is") {
  TableStage stage;
  stage.tell("StasisStart", R"("channel":)" + channel("c1", "100"));
  stage.tell("StasisStart", R"("channel":)" + channel("c2", "200"));
  stage.tell("server.resynced", R"("channels":["c2"])");
  CHECK(stage.size() == 1);
  stage.tell("state.gone", R"("channels":["c2"])");
  CHECK(stage.size() == 0);
  stage.tell("StasisStart", R"("channel":)" + channel("c1", "100"));
  stage.tell("server.removed", R"("app":"")");
  CHECK(stage.size() == 0);
}

TEST_CASE("what Asterisk does not report is shown, and what a transfer shows of the past is not") {
  TableStage stage;
  stage.tell("StasisStart", R"("channel":)" + channel("c1", "100"));
  stage.tell("state.changed", R"("objects":{"channels":[{"app":"demo","channel":)" + channel("c2", "200") +
                                  R"(}],"bridges":[{"bridge":)" + bridge(R"("c1","c2")") + "}]}");
  CHECK(stage.row("c1").with == "200");
  stage.tell("BridgeAttendedTransfer", R"("destination_link_first_leg":)" + channel("c3", "300") +
                                           R"(,"transferer_first_leg_bridge":)" + bridge(R"("c3")"));
  CHECK(stage.size() == 2);
  CHECK(stage.row("c1").with == "200");
}

TEST_CASE("a channel that has the id of one that ended is shown") {
  TableStage stage;
  const auto made = [](const std::string& time) {
    std::string text = channel("c1", "100");
    const size_t at = text.find(R"("creationtime":")") + 16;
    return R"("channel":)" + text.replace(at, text.find('"', at) - at, time);
  };
  const std::string first = made("2026-11-22T21:46:07.000Z"), second = made("2026-11-22T21:46:08.000Z");
  stage.tell("StasisStart", first);
  stage.tell("StasisStart", second);
  stage.tell("ChannelDestroyed", R"("channels":["c1"],)" + first);
  CHECK(stage.size() == 1);
  stage.tell("ChannelDestroyed", R"("channels":["c1"],)" + second);
  stage.tell("ChannelVarset", second);
  CHECK(stage.size() == 0);
}

TEST_CASE("a snapshot begins anew") {
  TableStage stage;
  stage.tell("StasisStart", R"("channel":)" + channel("old", "1"));
  std::string channels;
  for (int i = 0; i < 20; ++i) {
    channels += (i > 0 ? "," : "") +
                (R"({"server":"pbx1","app":"demo","began":"2026-11-22T21:46:07.000Z","channel":)" +
                 channel("c" + std::to_string(i), std::to_string(100 + i)) + "}");
  }
  stage.table.take_snapshot(*parse_json(R"({"bridges":[],"channels":[)" + channels + "]}"));
  CHECK(stage.size() == 20);
  CHECK(stage.row("c19").app == "demo");
  stage.table.take_snapshot(*parse_json(
      R"({"bridges":[],"channels":[)" + channels +
      R"(],"calls":[{"server":"pbx1","app":"demo","call":{"id":"k1","direction":"outbound",)"
      R"("from":{"name":"","number":"100"},"to":{"name":"Bob","number":"200"},"apps":["demo"],)"
      R"("started":"2026-11-22T21:46:05.000Z","answered":"2026-11-22T21:46:06.000Z","complete":true,)"
      R"("hold_ms":0,"legs":[{"channel":"c9","joined_by":"first"},{"channel":"gone","joined_by":"dial",)"
      R"("ended":"2026-11-22T21:46:06.000Z"},{"channel":"c3","joined_by":"dial","held":true}]}}]})"));
  CHECK(stage.size() == 19);
  CHECK(stage.legs("k1") == "c9 c3");
  CHECK(stage.call("k1").state == "on hold");
  CHECK(stage.call("k1").called == "Bob <200>");
  CHECK(stage.call("k1").answered == parse_time("2026-11-22T21:46:06.000Z"));
  stage.tell("ChannelUnhold", R"("calls":["k1"],"channels":["c3"],"channel":)" + channel("c3", "103"));
  CHECK(stage.call("k1").state == "up");
  stage.table.apply(*parse_json(R"({"server":"pbx1","type":"server.removed"})"));
  CHECK(stage.size() == 0);
}

TEST_CASE("that an Asterisk is not connected is known from the status and from records") {
  TableStage stage;
  CHECK(stage.table.trouble().empty());
  stage.table.take_status(*parse_json(
      R"({"servers":[{"name":"pbx1","state":"down","since":"2026-11-22T21:40:00.000Z","reason":"refused"},)"
      R"({"name":"pbx2","state":"ready"},{"name":"pbx3","state":"syncing"}]})"));
  CHECK(stage.table.trouble() == "pbx1: no connection to Asterisk since 2026-11-22T21:40:00.000Z: refused");
  stage.table.apply(*parse_json(
      R"({"time":"2026-11-22T21:46:16.000Z","server":"pbx2","type":"server.disconnected","reason":"closed"})"));
  CHECK(stage.table.trouble() == "no events of 2 Asterisks: pbx1, pbx2");
  stage.tell("server.connected", R"("version":"22")");
  CHECK(stage.table.trouble() == "pbx2: no connection to Asterisk since 2026-11-22T21:46:16.000Z: closed");
  stage.table.apply(*parse_json(R"({"server":"pbx2","type":"server.removed"})"));
  CHECK(stage.table.trouble().empty());
  stage.table.apply(*parse_json(R"({"server":"pbx1","app":"demo","type":"server.replaced"})"));
  CHECK(stage.table.trouble() == "pbx1: another client has taken over the application demo");
  stage.table.take_status(*parse_json(
      R"({"servers":[{"name":"pbx1","state":"replaced","reason":"another client has taken over the application demo"}]})"));
  CHECK(stage.table.trouble() == "pbx1: another client has taken over the application demo");
}
