// The table of calls.
#include "cli/calls_table.h"

#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::cli;

namespace {

const WallTime now = *parse_time("2026-11-22T21:46:17.000Z");

std::string channel(const std::string& id, const std::string& number, const std::string& state = "Up") {
  return R"({"id":")" + id + R"(","name":"PJSIP/)" + number + R"(-1","state":")" + state +
         R"(","caller":{"name":"","number":")" + number + R"("},"connected":{"name":"","number":""},)" +
         R"("dialplan":{"context":"x","exten":"s","priority":1},"creationtime":"2026-11-22T21:46:07.000Z"})";
}
std::string bridge(const std::string& channels) {
  return R"({"id":"b1","bridge_type":"mixing","channels":[)" + channels + "]}";
}

struct Stage {
  CallsTable table;
  void tell(const std::string& type, const std::string& members) {
    table.apply(
        *parse_json(R"({"seq":1,"time":"2026-11-22T21:46:16.000Z","server":"pbx1","app":"demo","type":")" +
                    type + "\"," + members + "}"));
  }
  [[nodiscard]] std::vector<std::string> lines(size_t most = 100) const {
    std::vector<std::string> out;
    for (const Text& line : table.lines(now, most, 120)) out.push_back(line.printed(false));
    return out;
  }
};

}  // namespace

TEST_CASE("a channel has a line from the first record that shows it to its end") {
  Stage stage;
  stage.tell("StasisStart", R"("channels":["c1"],"channel":)" + channel("c1", "100", "Ring"));
  REQUIRE(stage.lines().size() == 2);
  CHECK(stage.lines()[0].starts_with("WHO "));
  CHECK(stage.lines()[1].starts_with("100 "));
  CHECK_THAT(stage.lines()[1], ContainsSubstring(" Ring "));
  CHECK_THAT(stage.lines()[1], ContainsSubstring(" 10.0 s "));
  CHECK_THAT(stage.lines()[1], ContainsSubstring(" demo "));
  stage.tell("StasisEnd", R"("channels":["c1"],"channel":)" + channel("c1", "100"));
  CHECK_THAT(stage.lines()[1], !ContainsSubstring("demo"));
  stage.tell("ChannelDestroyed", R"("channels":["c1"],"channel":)" + channel("c1", "100"));
  stage.tell("ChannelHangupRequest", R"("channels":["c1"],"channel":)" + channel("c1", "100"));
  CHECK(stage.table.size() == 0);
}

TEST_CASE("those in a bridge are with each other") {
  Stage stage;
  stage.tell("StasisStart", R"("channel":)" + channel("c1", "100"));
  stage.tell("StasisStart", R"("channel":)" + channel("c2", "200"));
  stage.tell("ChannelEnteredBridge",
             R"("channel":)" + channel("c1", "100") + R"(,"bridge":)" + bridge(R"("c1")"));
  CHECK_THAT(stage.lines()[1], ContainsSubstring("(alone in a bridge)"));
  stage.tell("ChannelEnteredBridge",
             R"("channel":)" + channel("c2", "200") + R"(,"bridge":)" + bridge(R"("c1","c2")"));
  CHECK_THAT(stage.lines()[1], ContainsSubstring("100 ") && ContainsSubstring(" 200 "));
  CHECK_THAT(stage.lines()[2], ContainsSubstring("200 ") && ContainsSubstring(" 100 "));
  stage.tell("ChannelLeftBridge",
             R"("channel":)" + channel("c2", "200") + R"(,"bridge":)" + bridge(R"("c1")"));
  CHECK_THAT(stage.lines()[2], !ContainsSubstring(" 100 "));
}

TEST_CASE("what ended unseen goes with the record that says what lives") {
  Stage stage;
  stage.tell("StasisStart", R"("channel":)" + channel("c1", "100"));
  stage.tell("StasisStart", R"("channel":)" + channel("c2", "200"));
  stage.tell("server.resynced", R"("channels":["c2"])");
  CHECK(stage.table.size() == 1);
  stage.tell("state.gone", R"("channels":["c2"])");
  CHECK(stage.table.size() == 0);
}

TEST_CASE("what Asterisk does not report is shown, and what a transfer shows of the past is not") {
  Stage stage;
  stage.tell("StasisStart", R"("channel":)" + channel("c1", "100"));
  stage.tell("state.changed", R"("objects":{"channels":[{"app":"demo","channel":)" + channel("c2", "200") +
                                  R"(}],"bridges":[{"bridge":)" + bridge(R"("c1","c2")") + "}]}");
  CHECK_THAT(stage.lines()[1], ContainsSubstring("100 ") && ContainsSubstring(" 200 "));
  stage.tell("BridgeAttendedTransfer", R"("destination_link_first_leg":)" + channel("c3", "300") +
                                           R"(,"transferer_first_leg_bridge":)" + bridge(R"("c3")"));
  CHECK(stage.table.size() == 2);
  CHECK_THAT(stage.lines()[1], ContainsSubstring(" 200 "));
}

TEST_CASE("a channel that has the id of one that ended is shown") {
  Stage stage;
  const auto made = [](const std::string& time) {
    std::string text = channel("c1", "100");
    const size_t at = text.find(R"("creationtime":")") + 16;
    return R"("channel":)" + text.replace(at, text.find('"', at) - at, time);
  };
  const std::string first = made("2026-11-22T21:46:07.000Z"), second = made("2026-11-22T21:46:08.000Z");
  stage.tell("StasisStart", first);
  stage.tell("StasisStart", second);
  stage.tell("ChannelDestroyed", R"("channels":["c1"],)" + first);
  CHECK(stage.table.size() == 1);
  stage.tell("ChannelDestroyed", R"("channels":["c1"],)" + second);
  stage.tell("ChannelVarset", second);
  CHECK(stage.table.size() == 0);
}

TEST_CASE("a snapshot begins anew, and what has no room is counted") {
  Stage stage;
  stage.tell("StasisStart", R"("channel":)" + channel("old", "1"));
  std::string channels;
  for (int i = 0; i < 20; ++i) {
    channels += (i > 0 ? "," : "") +
                (R"({"server":"pbx1","app":"demo","began":"2026-11-22T21:46:07.000Z","channel":)" +
                 channel("c" + std::to_string(i), std::to_string(100 + i)) + "}");
  }
  stage.table.take_snapshot(*parse_json(R"({"bridges":[],"channels":[)" + channels + "]}"));
  CHECK(stage.table.size() == 20);
  CHECK(stage.lines().size() == 21);
  const auto few = stage.lines(10);
  CHECK(few.size() == 10);
  CHECK(few.back() == "… and 12 more");
}

TEST_CASE("names of callers don't reach the terminal as they are") {
  Stage stage;
  stage.tell(
      "StasisStart",
      R"("channel":{"id":"c1","name":"x","state":"Up","caller":{"name":"a\u001b[2J\u009b2Jbé","number":"1"},"dialplan":{}})");
  CHECK_THAT(stage.lines()[1], Catch::Matchers::StartsWith("a?[2J?2Jbé <1> "));
}
