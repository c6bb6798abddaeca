// The rows of `aribus calls`.
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
  [[nodiscard]] CallRow row(const std::string& id = "") const {
    for (const CallRow& row : table.rows()) {
      if (id.empty() || row.channels.front() == id) return row;
    }
    FAIL("no row " + id);
    return {};
  }
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
  CHECK(stage.row().channels == std::vector<std::string>{"c1"});
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

TEST_CASE("both halves of a Local channel are one row") {
  TableStage stage;
  stage.tell("StasisStart", R"("channel":)" + local("l2", 2));
  CHECK(stage.row().channels == std::vector<std::string>{"l2"});
  stage.tell("StasisStart", R"("channel":)" + local("l1", 1));
  stage.tell("StasisStart", R"("channel":)" + channel("c1", "100"));
  CHECK(stage.size() == 2);
  CHECK(stage.row("l1").channels == std::vector<std::string>{"l1", "l2"});
  stage.tell("ChannelEnteredBridge",
             R"("channel":)" + local("l2", 2) + R"(,"bridge":)" + bridge(R"("l2","c1")"));
  CHECK(stage.row("l1").with == "100");
  CHECK(stage.row("l1").bridge_name == "lobby");
  stage.tell("ChannelDestroyed", R"("channels":["l1"],"channel":)" + local("l1", 1));
  CHECK(stage.row("l2").channels == std::vector<std::string>{"l2"});
  // Of another Asterisk it may have the same name.
  stage.table.apply(
      *parse_json(R"({"server":"pbx2","type":"ChannelCreated","channel":)" + local("l1", 1) + "}"));
  CHECK(stage.size() == 3);
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
