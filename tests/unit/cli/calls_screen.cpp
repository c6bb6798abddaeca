// The screen of `aribus calls`, against stored ones in screens/. ARIBUS_UPDATE_SCREENS=1 writes them anew.
#include "cli/calls_screen.h"

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "cli/calls_table.h"
#include "cli/calls_view.h"
#include "cli/terminal.h"
#include "tests/catch.h"
#include "tests/support/mutations.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::cli;

namespace {

const WallTime screen_time = *parse_time("2026-11-22T21:46:17.000Z");

CallRow numbered_call(int number, const std::string& who) {
  LegRow leg;
  leg.server = number % 3 == 0 ? "pbx2" : "pbx1";
  leg.channel = "1795384777." + std::to_string(1000 + number);
  leg.name = "PJSIP/" + std::to_string(1000 + number) + "-0000" + std::to_string(1000 + number);
  leg.who = who;
  leg.state = number % 7 == 0 ? "Ring" : "Up";
  leg.began = screen_time - std::chrono::seconds(5 * (300 - number) + 8);
  leg.app = number % 2 == 0 ? "ivr" : "queue";
  CallRow call;
  call.id = leg.server + "/" + leg.channel + "/1795384777690";
  call.direction = number % 5 == 0 ? "outbound" : "inbound";
  call.who = who;
  call.called = std::to_string(300 + number);
  call.started = leg.began;
  call.state = number % 7 == 0 ? "ringing" : "up";
  call.complete = number != 2;
  call.legs = {leg};
  return call;
}

LegRow second_leg(const CallRow& call, int number) {
  LegRow leg = call.legs[0];
  leg.channel = "1795384777." + std::to_string(5000 + number);
  leg.name = "PJSIP/agent-0000" + std::to_string(5000 + number);
  leg.who = "Agent " + std::to_string(number) + " <" + std::to_string(100 + number) + ">";
  leg.with = call.who;
  leg.app = "";
  return leg;
}

// 300 calls: some alone, some with a leg of their own that they talk with, some in a queue. Each fiftieth is
// a channel of no call.
std::vector<CallRow> many() {
  std::vector<CallRow> calls;
  for (int i = 0; i < 300; ++i) {
    CallRow next = numbered_call(i, "Caller " + std::to_string(i) + " <" + std::to_string(2000 + i) + ">");
    LegRow& first = next.legs[0];
    if (i % 4 == 1) {
      first.bridge_id = "b" + std::to_string(i), first.bridge_type = "mixing";
      next.legs.push_back(second_leg(next, i));
      next.legs[0].with = next.legs[1].who;
    }
    if (i % 4 == 2) {
      first.with = "waits in support";
      first.bridge_id = "5e1d0c77-a2b9";
      first.bridge_name = "support";
      first.bridge_type = "holding";
      next.state = "waiting";
    }
    if (i % 50 == 3) {
      CallRow channel;
      channel.who = next.legs[0].who;
      channel.legs = next.legs;
      next = channel;
    }
    calls.push_back(next);
  }
  return calls;
}

std::vector<CallRow> names_of_all_kinds() {
  const std::vector<std::string> names{
      "日本語テスト太郎 <100>",
      "とても長い名前の会社の電話交換手の山田さん <0312345678>",
      "📞 Support 🎧 <200>",
      "❤\ufe0f Ann <201>",
      "👩‍👧 family <202>",
      "🇩🇪 Berlin <203>",
      "Zoe\u0308 E\u0301tienne <300>",
      "한국어 <400>",
      "\u1112\u1161\u11ab\u1100\u1173\u11af <401>",
      "שלום עולם <500>",
      "مرحبا <501>",
      "สวัสดี <600>",
      "नमस्ते <601>",
      "ABCDEFGHIJKLMNOPQRSTUVWXYZ abcdefghijklmnopqrstuvwxyz 0123456789 <+4930123456789>",
      "ｆｕｌｌ ｗｉｄｔｈ <700>",
      "a\x1b[2J\u202e\u200bb\xff <701>",
  };
  std::vector<CallRow> rows;
  for (size_t i = 0; i < names.size(); ++i) {
    rows.push_back(numbered_call(static_cast<int>(i), names[i]));
    rows.back().called = names[(i + 5) % names.size()];
    LegRow& leg = rows.back().legs[0];
    leg.with = names[names.size() - 1 - i];
    leg.bridge_id = "b" + std::to_string(i);
    leg.bridge_name = "部屋 " + std::to_string(i);
    leg.bridge_type = "mixing";
  }
  return rows;
}

// The screen as lines between bars; the chosen row begins with '>'.
std::string drawn(CallsScreen& screen, size_t rows, size_t columns) {
  std::string out;
  const std::vector<Text> lines = screen.lines(screen_time, rows, columns);
  CHECK(lines.size() <= rows);
  for (const Text& text : lines) {
    std::string line = text.printed(false);
    const bool is_chosen = line.starts_with("\x1b[7m");
    if (is_chosen) line = line.substr(4, line.size() - 8);
    CHECK(cells(line) == columns);
    out += (is_chosen ? ">" : "|") + line + "|\n";
  }
  return out;
}

void press(CallsScreen& screen, std::string_view bytes) {
  KeyReader keys;
  for (const Key& key : keys.read(bytes)) CHECK(screen.press(key));
  for (const Key& key : keys.give_up_waiting()) CHECK(screen.press(key));
}

// Compares with the stored screen of this name, or stores it.
void check_stored(const std::string& name, const std::string& screen) {
  const std::string path = ARIBUS_SOURCE_DIR "/tests/unit/cli/screens/" + name + ".txt";
  const char* update = std::getenv("ARIBUS_UPDATE_SCREENS");
  if (update != nullptr && *update != '\0') std::ofstream(path, std::ios::binary) << screen;
  std::ifstream file(path, std::ios::binary);
  std::stringstream stored;
  stored << file.rdbuf();
  INFO("screens/" << name << ".txt; if the new one is right, run again with ARIBUS_UPDATE_SCREENS=1");
  CHECK(screen == stored.str());
}

CallsScreen screen_of(std::vector<CallRow> rows, CallFilter filter = {}) {
  CallsScreen screen(std::move(filter), {});
  screen.show(std::move(rows));
  return screen;
}

}  // namespace

TEST_CASE("screens of 300 calls are as stored") {
  CallsScreen screen = screen_of(many());
  check_stored("300-80x24", drawn(screen, 24, 80));
  check_stored("300-200x50", drawn(screen, 50, 200));
  check_stored("300-40x12", drawn(screen, 12, 40));
  press(screen, "j\r");
  check_stored("300-open-80x24", drawn(screen, 24, 80));
  press(screen, "\rG");
  check_stored("300-end-80x24", drawn(screen, 24, 80));
  press(screen, "/support");
  check_stored("300-search-80x24", drawn(screen, 24, 80));
  press(screen, "\rs");
  screen.disconnected(screen_time - std::chrono::seconds(75), "aribusd has closed the connection");
  check_stored("300-disconnected-80x24", drawn(screen, 24, 80));
  screen.connected();
  screen.show(many(), "pbx1: no connection to Asterisk since 2026-11-22T21:40:00.000Z: connection refused");
  check_stored("300-trouble-80x24", drawn(screen, 24, 80));
  press(screen, "?");
  check_stored("help-80x24", drawn(screen, 24, 80));
}

TEST_CASE("screens of names of all kinds are as stored") {
  CallsScreen screen = screen_of(names_of_all_kinds());
  check_stored("names-80x24", drawn(screen, 24, 80));
  check_stored("names-200x50", drawn(screen, 50, 200));
  check_stored("names-40x24", drawn(screen, 24, 40));
}

TEST_CASE("no size of the terminal makes a line too long or too short") {
  CallsScreen calls = screen_of(many()), names = screen_of(names_of_all_kinds()), none = screen_of({});
  for (size_t columns = 1; columns < 130; columns += columns < 50 ? 1 : 7) {
    for (const size_t rows : {1, 2, 3, 5, 11, 12, 30}) {
      INFO(rows << " x " << columns);
      for (CallsScreen* screen : {&calls, &names, &none}) static_cast<void>(drawn(*screen, rows, columns));
    }
  }
}

TEST_CASE("keys move through all calls, and the chosen one stays on the screen") {
  CallsScreen screen = screen_of(many());
  const auto chosen = [&] {
    const std::string text = drawn(screen, 24, 200);
    const size_t at = text.find('>') == 0 ? 0 : text.find("\n>");
    REQUIRE(at != std::string::npos);
    const size_t begin = text.find("Caller ", at) + 7;
    return std::stoi(text.substr(begin));
  };
  CHECK(chosen() == 0);
  press(screen, "\x1b[B");
  CHECK(chosen() == 1);
  press(screen, "jjk");
  CHECK(chosen() == 2);
  press(screen, "\x1b[6~");
  CHECK(chosen() == 20);
  press(screen, " ");
  CHECK(chosen() == 38);
  press(screen, "\x1b[5~\x1b[A");
  CHECK(chosen() == 19);
  press(screen, "\x1b[F");
  CHECK(chosen() == 299);
  press(screen, "\x1b[B\x1b[6~");
  CHECK(chosen() == 299);
  press(screen, "\x1b[H\x1b[A");
  CHECK(chosen() == 0);
}

TEST_CASE("a call stays chosen while others come and go") {
  std::vector<CallRow> rows = many();
  CallsScreen screen = screen_of(rows);
  press(screen, "jjjjj");
  rows.erase(rows.begin(), rows.begin() + 3);
  screen.show(rows);
  CHECK_THAT(drawn(screen, 24, 80), ContainsSubstring(">Caller 5 "));
  press(screen, "r");
  CHECK_THAT(drawn(screen, 24, 80), ContainsSubstring(">Caller 5 "));
  std::erase_if(rows, [](const CallRow& row) { return row.who.starts_with("Caller 5 "); });
  screen.show(rows);
  CHECK_THAT(drawn(screen, 24, 80), ContainsSubstring("\n>Caller"));
  screen.show({});
  CHECK_THAT(drawn(screen, 24, 80), ContainsSubstring("|no calls"));
  screen.show(many());
  CHECK_THAT(drawn(screen, 24, 80), ContainsSubstring("\n>Caller"));
}

TEST_CASE("a call is opened and closed, with its legs below it") {
  std::vector<CallRow> calls = many();
  CallsScreen screen = screen_of(calls);
  press(screen, "j\r");
  CHECK_THAT(drawn(screen, 24, 100), ContainsSubstring("\n>Caller 1 ") &&
                                         ContainsSubstring("\n|  Caller 1 ") &&
                                         ContainsSubstring("\n|  Agent 1 ") &&
                                         ContainsSubstring("\n|1795384777.1001  of call pbx1/"));
  press(screen, "jj");
  CHECK_THAT(drawn(screen, 24, 100),
             ContainsSubstring("\n>  Agent 1 ") && ContainsSubstring("\n|1795384777.5001  of call pbx1/"));
  // The leg stays chosen, wherever it is, and its call where it has ended.
  press(screen, "r");
  CHECK_THAT(drawn(screen, 24, 100), ContainsSubstring("\n>  Agent 1 "));
  press(screen, "r");
  calls[1].legs.pop_back();
  screen.show(calls);
  CHECK_THAT(drawn(screen, 24, 100), ContainsSubstring("\n>Caller 1 ") && !ContainsSubstring("|  Agent 1 "));
  press(screen, "o");
  CHECK_THAT(drawn(screen, 24, 100), ContainsSubstring("\n>Caller 1 ") && !ContainsSubstring("|  Caller 1 "));
  // A leg closes its call, too.
  press(screen, "oj");
  CHECK_THAT(drawn(screen, 24, 100), ContainsSubstring("\n>  Caller 1 "));
  press(screen, "o");
  CHECK_THAT(drawn(screen, 24, 100), ContainsSubstring("\n>Caller 1 ") && !ContainsSubstring("|  Caller"));
  // All of them; a channel of no call has nothing to open.
  press(screen, "a");
  const std::string all = drawn(screen, 24, 100);
  CHECK_THAT(all, ContainsSubstring("\n>Caller 1 ") && ContainsSubstring("\n|  Caller 0 ") &&
                      ContainsSubstring("\n|  Agent 5 ") && ContainsSubstring("\n|Caller 3 ") &&
                      !ContainsSubstring("\n|  Caller 3 "));
  press(screen, "o");
  CHECK_THAT(drawn(screen, 24, 100), !ContainsSubstring("\n|  Caller 1 "));
  press(screen, "a");
  CHECK_THAT(drawn(screen, 24, 100), !ContainsSubstring("\n|  Caller"));
}

TEST_CASE("only the lines on the screen are painted, however many calls there are") {
  std::vector<CallRow> calls;
  for (int i = 0; i < 10'000; ++i) calls.push_back(numbered_call(i, "Caller " + std::to_string(i)));
  calls[9'999].who = "A name that no line on the screen has room for, and so on and so on";
  CallsScreen screen = screen_of(calls);
  const std::string first = drawn(screen, 24, 120);
  CHECK_THAT(first, ContainsSubstring("10000 calls, rows 1 to 19"));
  // The columns have the widths of what is shown.
  CHECK_THAT(first, ContainsSubstring("|WHO        CALLED"));
  press(screen, "G");
  CHECK_THAT(drawn(screen, 24, 120), ContainsSubstring(">A name that no line"));
}

TEST_CASE("a search shows what matches as it is typed, and Escape ends it") {
  CallsScreen screen = screen_of(many());
  press(screen, "/CALLER 29");
  CHECK_THAT(drawn(screen, 24, 80), ContainsSubstring("|11 of 294 calls, /CALLER 29, rows 1 to 11"));
  press(screen, "\x7f\x7f 30");
  CHECK_THAT(drawn(screen, 24, 80), ContainsSubstring("|0 of 294 calls, /CALLER  30,"));
  CHECK_THAT(drawn(screen, 24, 80), ContainsSubstring("|no call matches"));
  press(screen, "\x1b");
  CHECK_THAT(drawn(screen, 24, 80), ContainsSubstring("|294 calls, 6 other channels, rows 1 to 19"));
  press(screen, "/q");  // a letter, and no command
  press(screen, "ueue\r");
  CHECK_THAT(drawn(screen, 24, 80), ContainsSubstring("|144 of 294 calls, 6 of 6 other channels, /queue, "));
  press(screen, "/x\x1b");  // the one before is there again
  CHECK_THAT(drawn(screen, 24, 80), ContainsSubstring("|144 of 294 calls, 6 of 6 other channels, /queue, "));
  press(screen, "\x1b");
  CHECK_THAT(drawn(screen, 24, 80), ContainsSubstring("|294 calls, "));
}

TEST_CASE("q ends, Escape ends when there is no search, and help goes with any key") {
  CallsScreen screen = screen_of(many());
  CHECK_FALSE(screen.press({Key::Kind::text, "q"}));
  CHECK_FALSE(screen.press({Key::Kind::escape}));
  press(screen, "h");
  CHECK_THAT(drawn(screen, 24, 80), ContainsSubstring("Keys of aribus calls"));
  press(screen, "x");
  CHECK_THAT(drawn(screen, 24, 80), ContainsSubstring("294 calls"));
}

TEST_CASE("the header tells the filter, and that the connection is lost until it is there again") {
  CallsScreen screen = screen_of(many(), {{"pbx2"}, {"ivr"}, {}, ""});
  CHECK_THAT(drawn(screen, 24, 80),
             ContainsSubstring("|50 of 294 calls, server=pbx2, app=ivr, rows 1 to 19, by time"));
  screen.disconnected(screen_time - std::chrono::seconds(75), "closed");
  screen.disconnected(screen_time, "refused");
  CHECK_THAT(drawn(screen, 24, 80),
             ContainsSubstring("|not connected since 21:45:02 UTC, reconnecting: refused"));
  screen.connected();
  CHECK_THAT(drawn(screen, 24, 80), !ContainsSubstring("not connected"));
}

TEST_CASE("s goes through the columns, r turns the order around") {
  CallsScreen screen = screen_of(many());
  CHECK_THAT(drawn(screen, 24, 80), ContainsSubstring("by time, "));
  press(screen, "r");
  CHECK_THAT(drawn(screen, 24, 80), ContainsSubstring("by -time, ") && ContainsSubstring(">Caller 0 "));
  press(screen, "g");
  CHECK_THAT(drawn(screen, 24, 80), ContainsSubstring(">Caller 299 "));
  press(screen, "ssg");
  CHECK_THAT(drawn(screen, 24, 80), ContainsSubstring("by called, "));
  press(screen, "sssssss");
  CHECK_THAT(drawn(screen, 24, 80), ContainsSubstring("by time, "));
}

TEST_CASE("no record and no key brings the screen down") {
  const std::string channel =
      R"({"id":"c1","name":"Local/P@x-1;1","state":"P","caller":{"name":"P","number":"P"},"connected":{"number":"P"},)"
      R"("dialplan":{},"creationtime":"2026-11-22T21:46:07.000Z"})";
  const std::string bridge = R"({"id":"b1","bridge_type":"holding","name":"P","channels":["c1","c2"]})";
  const std::string call =
      R"("calls":["k1"],"direction":"P","from":{"name":"P","number":"P"},"to":{"name":"P","number":"P"},)"
      R"("started":"2026-11-22T21:46:07.000Z","answered":"P","complete":false,"id":"k1","hold_ms":1,)"
      R"("legs":[{"channel":"c1","held":true},{"channel":"P","ended":"P"}])";
  const auto record = [&](const std::string& type) {
    return R"({"seq":1,"time":"2026-11-22T21:46:16.000Z","server":"P","app":"P","type":")" + type +
           R"(","channels":["c1"],"bridges":["b1"],"channel":)" + channel + R"(,"bridge":)" + bridge + "," +
           call + "}";
  };
  const std::string snapshot = R"({"channels":[{"server":"P","app":"P","began":"x","channel":)" + channel +
                               R"(}],"bridges":[{"server":"P","bridge":)" + bridge +
                               R"(}],"calls":[{"server":"P","call":{)" + call + "}}]}";
  test::Mutations mutations(20261126);
  CallsTable table;
  CallsScreen screen({}, {});
  for (int round = 0; round < 2000; ++round) {
    const auto mutated = [&](const std::string& text) { return parse_json(mutations.of(text)); };
    if (round % 10 == 0) {
      if (const auto taken = mutated(snapshot)) table.take_snapshot(*taken);
    }
    for (const char* type : {"call.started", "StasisStart", "ChannelEnteredBridge", "Dial", "call.answered",
                             "state.changed", "server.resynced", "call.ended"}) {
      const auto made = mutated(record(type));
      if (made && made->IsObject()) table.apply(*made);
    }
    if (const auto status = mutated(R"({"servers":[{"name":"P","state":"down","since":"P","reason":"P"}]})"))
      table.take_status(*status);
    screen.show(table.rows(), table.trouble());
    KeyReader keys;
    std::string bytes(1, static_cast<char>(mutations.below(256)));
    bytes += static_cast<char>(mutations.below(256));
    for (const Key& key : keys.read(bytes)) static_cast<void>(screen.press(key));
    static_cast<void>(drawn(screen, 1 + mutations.below(30), 1 + mutations.below(120)));
  }
}
