// The table of `aribus calls` as it is printed once.
#include "cli/calls_view.h"

#include <fstream>
#include <sstream>

#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::cli;

namespace {

const WallTime table_time = *parse_time("2026-11-22T21:47:25.690Z");

LegRow table_leg(const std::string& channel, const std::string& who, const std::string& with, int seconds) {
  LegRow leg;
  leg.server = "pbx1";
  leg.channel = channel;
  leg.who = who;
  leg.with = with;
  leg.state = "Up";
  leg.began = table_time - std::chrono::seconds(seconds);
  return leg;
}

// Alice talks with Bob, whom the dialplan has called for her, and Carol waits.
std::vector<CallRow> table_calls() {
  CallRow alice, carol;
  alice.id = "pbx1/1795384777.12/1795384777690";
  alice.direction = carol.direction = "inbound";
  alice.who = "Alice <100>";
  alice.called = "200";
  alice.state = "up";
  alice.legs = {table_leg("1795384777.12", "Alice <100>", "Bob <200>", 68),
                table_leg("1795384777.13", "Bob <200>", "Alice <100>", 62)};
  alice.legs[0].app = "demo";
  alice.started = alice.legs[0].began;
  carol.id = "pbx1/1795384777.14/1795384824690";
  carol.who = "Carol <300>";
  carol.called = "700";
  carol.state = "waiting";
  carol.legs = {table_leg("1795384777.14", "Carol <300>", "waits in support", 21)};
  carol.legs[0].app = "demo";
  carol.legs[0].bridge_name = "support";
  carol.legs[0].bridge_type = "holding";
  carol.started = carol.legs[0].began;
  return {carol, alice};
}

std::string table_of(const std::vector<CallLine>& lines, size_t width) {
  const CallColumns columns(lines, table_time, width, true);
  std::vector<Text> texts{columns.names()};
  for (const CallLine& line : lines) texts.push_back(columns.line(line, table_time, false));
  std::string out;
  for (const Text& text : texts) {
    std::string line = text.printed(false);
    CHECK(line.size() == width);
    out += line.erase(line.find_last_not_of(' ') + 1) + "\n";
  }
  return out;
}

}  // namespace

TEST_CASE("a table of calls and their legs is as docs/operations.md shows it") {
  const std::vector<CallRow> calls = table_calls();
  const std::string table = table_of(
      with_legs(lines_of_calls(calls, {}, {}), [](const CallRow& call) { return call.legs.size() > 1; }),
      120);
  std::ifstream file(ARIBUS_SOURCE_DIR "/docs/operations.md");
  std::stringstream text;
  text << file.rdbuf();
  INFO(table);
  CHECK(text.str().find("$ aribus calls --once\n" + table + "```") != std::string::npos);
}

TEST_CASE("a leg on hold says so, and of a channel of no call only what is its own is shown") {
  std::vector<CallRow> calls = table_calls();
  calls[1].legs[0].held = true;
  calls[1].state = "on hold";
  calls[0].id = "";
  const std::string table =
      table_of(with_legs(lines_of_calls(calls, {}, {}), [](const CallRow&) { return true; }), 120);
  std::istringstream lines(table);
  std::string names, call, first, second, channel;
  for (std::string* line : {&names, &call, &first, &second, &channel}) std::getline(lines, *line);
  CHECK_THAT(call, ContainsSubstring("on hold"));
  CHECK_THAT(first, ContainsSubstring("  Alice <100>") && ContainsSubstring("on hold"));
  CHECK_THAT(second, ContainsSubstring("  Bob <200>") && ContainsSubstring("Up"));
  CHECK_THAT(channel,
             ContainsSubstring("Carol <300>") && ContainsSubstring("Up") && !ContainsSubstring("700"));
}

TEST_CASE("a time is read at a glance") {
  const auto clock = [](int seconds) {
    return clock_text(WallTime(), WallTime() + std::chrono::seconds(seconds));
  };
  CHECK(clock(8) == "0:08");
  CHECK(clock(725) == "12:05");
  CHECK(clock(11564) == "3:12:44");
  CHECK(clock(-1) == "0:00");
}
