// The drawing of one call by `aribus trace`.
#include "cli/ladder.h"

#include "record/own_records.h"
#include "tests/catch.h"
#include "tests/unit/cli/printed.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::cli;
using aribus::test::json;
using aribus::test::longest_line;

namespace {

std::string channel_text(const std::string& id, const std::string& name, const std::string& number = "",
                         const std::string& state = "Up", const std::string& member = "channel") {
  return "\"" + member + R"(":{"id":")" + id + R"(","name":")" + name + R"(","state":")" + state +
         R"(","caller":{"name":"","number":")" + number + "\"}}";
}

// The records of one call.
struct Call {
  std::vector<std::string> records;

  // `ms` after its start.
  Call& at(int ms, const std::string& type, const std::string& members, const std::string& app = "ivr") {
    char time[32];
    std::snprintf(time, sizeof time, "2026-11-22T21:46:%02d.%03dZ", 10 + ms / 1000, ms % 1000);
    records.push_back(R"({"time":")" + std::string(time) + R"(","server":"pbx1","app":")" + app +
                      R"(","type":")" + type + R"(","calls":["pbx1/c1/1"],)" + members + "}");
    return *this;
  }
  Call& starts(const std::string& direction, const std::string& to) {
    return at(0, "call.started",
              R"("channels":["c1"],"direction":")" + direction +
                  R"(","from":{"name":"Alice","number":"100"},"to":)" + R"({"name":"","number":")" + to +
                  R"("},"started":"2026-11-22T21:46:10.000Z","complete":true)");
  }
  [[nodiscard]] std::string drawn(size_t columns, bool utf8 = true, bool met = true) const {
    Ladder ladder(columns, utf8);
    std::vector<Text> out;
    for (const std::string& one : records) {
      if (met) ladder.meet(json(one));
    }
    for (const std::string& one : records) {
      for (Text& line : ladder.lines(json(one))) out.push_back(std::move(line));
    }
    for (Text& line : ladder.end()) out.push_back(std::move(line));
    return test::printed(out);
  }
};

Call ivr() {
  const std::string alice = channel_text("c1", "PJSIP/100-00000001", "100");
  Call call;
  return call.starts("inbound", "200")
      .at(2, "StasisStart", R"("args":["in"],)" + alice)
      .at(500, "ChannelStateChange", alice)
      .at(510, "PlaybackStarted", R"("playback":{"media_uri":"sound:hi","target_uri":"channel:c1"})")
      .at(1500, "ChannelDtmfReceived", R"("digit":"5",)" + alice)
      .at(1501, "ChannelHold", alice)
      .at(1502, "ChannelVarset", alice)
      .at(2000, "ChannelHangupRequest", alice)
      .at(2001, "ChannelDestroyed", R"("cause":16,"cause_txt":"Normal Clearing",)" + alice)
      .at(2002, "call.ended",
          R"("channels":["c1"],"started":"2026-11-22T21:46:10.000Z","answered":"2026-11-22T21:46:10.500Z",)"
          R"("ended":"2026-11-22T21:46:12.001Z","how":"ended","complete":true,"ring_ms":500,"talk_ms":1501,)"
          R"("hold_ms":500,"cause":16,"cause_txt":"Normal Clearing","legs":[{"channel":"c1",)"
          R"("name":"PJSIP/100-00000001","joined_by":"first","cause":16,"cause_txt":"Normal Clearing"}],)"
          R"("transfers":[{"kind":"blind","to":"300@sales","result":"Success"}],)"
          R"("recorded":[{"name":"r1","format":"wav","duration":3}])");
}

Call local_with_dial() {
  const std::string first = channel_text("c1", "Local/200@s-00000001;1"),
                    second = channel_text("c2", "Local/200@s-00000001;2"),
                    phone = channel_text("c3", "PJSIP/200-00000002", "200");
  const std::string dial = channel_text("c2", "Local/200@s-00000001;2", "", "Ring", "caller") + "," +
                           channel_text("c3", "PJSIP/200-00000002", "200", "Down", "peer");
  Call call;
  return call.starts("outbound", "200")
      .at(0, "ChannelCreated", first)
      .at(0, "ChannelCreated", second)
      .at(0, "ChannelCreated", first, "other")  // a copy for another application
      .at(1, "Dial",
          R"("dialstatus":"","dialstring":"200@s",)" +
              channel_text("c1", "Local/200@s-00000001;1", "", "Down", "peer"))
      .at(10, "Dial", R"("dialstatus":"","dialstring":"200",)" + dial)
      .at(20, "Dial", R"("dialstatus":"RINGING",)" + dial)
      .at(20, "ChannelStateChange", channel_text("c3", "PJSIP/200-00000002", "200", "Ringing"))
      .at(900, "Dial", R"("dialstatus":"BUSY",)" + dial)
      .at(901, "ChannelDestroyed", R"("cause":17,"cause_txt":"User busy",)" + phone);
}

}  // namespace

TEST_CASE("an inbound call is drawn with a summary") {
  CHECK(ivr().drawn(80) ==
        "Call pbx1/c1/1\n"
        "inbound, from Alice <100>, to 200, started at 2026-11-22T21:46:10.000Z\n"
        "\n"
        "           PJSIP/100\n"
        "           100\n"
        "    0.002  ●          enters ivr (in)\n"
        "    0.500  ●          answers\n"
        "    0.510  ●          hears sound:hi\n"
        "    1.500  ●          pressed 5\n"
        "    1.501  ●          is on hold\n"
        "    2.000  ●          is to be hung up\n"
        "    2.001  ┴          ends: Normal Clearing\n"
        "\n"
        "ended after 2.001 s: Normal Clearing\n"
        "rang 0.500 s, talked 1.501 s, on hold 0.500 s\n"
        "  PJSIP/100-00000001  c1  first, Normal Clearing\n"
        "  transfer, blind, to 300@sales: Success\n"
        "  recording r1.wav, 3 s\n");
}

TEST_CASE("what is dialled is an arrow, and what is told twice comes once") {
  CHECK(local_with_dial().drawn(120) ==
        "Call pbx1/c1/1\n"
        "outbound, from Alice <100>, to 200, started at 2026-11-22T21:46:10.000Z\n"
        "\n"
        "           Local/200@s;1  Local/200@s;2  PJSIP/200\n"
        "                                         200\n"
        "    0.000  ┬                                            is created\n"
        "    0.000  │              ┬                             is created\n"
        "    0.001  ●              │                             is called at 200@s\n"
        "    0.010  │              ├─────────────▶│              dials 200\n"
        "    0.020  │              │◀─────────────┤              rings\n"
        "    0.900  │              │◀─────────────┤              does not answer: BUSY\n"
        "    0.901  │              │              ┴              ends: User busy\n"
        "\n"
        "the call has not ended: its last record is from 0.901 s after its start\n");
}

TEST_CASE("without UTF-8 all is ASCII") {
  const std::string text = local_with_dial().drawn(70, false);
  CHECK_THAT(text, ContainsSubstring("+--------->|") && ContainsSubstring("|<---------+"));
  CHECK(std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; }));
}

TEST_CASE("on a narrow terminal columns get narrower, and the last legs have none") {
  for (const size_t columns : {50, 60, 70, 80}) {
    INFO(columns);
    CHECK(longest_line(local_with_dial().drawn(columns)) <= columns);
  }
  const std::string text = local_with_dial().drawn(48);
  CHECK_THAT(text, ContainsSubstring("2 further legs without a column: Local/200@s;2,") &&
                       ContainsSubstring("Local/200@s;2: dials 200\n") &&
                       ContainsSubstring("PJSIP/200: does not\n           │          answer: BUSY\n"));
}

TEST_CASE("a leg that joins while the call is followed gets its column then") {
  const std::string text = local_with_dial().drawn(120, true, false);
  CHECK_THAT(text, ContainsSubstring("\n           Local/200@s;1\n") &&
                       ContainsSubstring("\n           Local/200@s;1  Local/200@s;2  PJSIP/200\n"));
}

TEST_CASE("a call whose beginning is missing says so, and other calls' channels are no legs") {
  Call call;
  call.at(100, "ChannelDtmfReceived", R"("digit":"1",)" + channel_text("c1", "PJSIP/100-00000001", "100"));
  const std::string two = R"({"time":"2026-11-22T21:46:11.000Z","type":"ChannelHold","app":"ivr",)"
                          R"("calls":["pbx1/c1/1","pbx1/c9/1"],)" +
                          channel_text("c9", "PJSIP/900-00000009", "900") + "}";
  call.records.push_back(two);
  const std::string text = call.drawn(80);
  CHECK_THAT(text,
             ContainsSubstring("its beginning is missing; times are from 2026-11-22T21:46:10.100Z on") &&
                 ContainsSubstring("0.000  ●") && !ContainsSubstring("PJSIP/900"));
}

// The fields are those that the daemon writes, not those that this file believes in.
TEST_CASE("the summary of a call says what the daemon's record of its end does") {
  const WallTime start = *parse_time("2026-11-22T21:46:10.000Z");
  record::CallEnded ended;
  ended.direction = "inbound";
  ended.how = "left";
  ended.complete = false;
  ended.started = start;
  ended.answered = start + std::chrono::seconds(1);
  ended.ended = start + std::chrono::seconds(9);
  ended.ring_ms = 1000;
  ended.talk_ms = 8000;
  ended.hold_ms = 2500;
  ended.cause = 17;
  ended.cause_txt = "User busy";
  ended.legs_left_out = 3;
  record::CallLeg& leg = ended.legs.emplace_back();
  leg.channel = "c1";
  leg.name = "PJSIP/100-00000001";
  leg.joined_by = "first";
  ended.transfers.push_back(
      {.time = start, .kind = "blind", .channel = "c1", .to = "700@out", .result = "Success"});
  ended.recorded.push_back({.name = "r1", .format = "wav", .duration = 3});
  record::Record record = record::own_record(ended, "pbx1", start);
  record.ids.add(record::IdKind::call, "pbx1/c1/1");
  Call call;
  call.records = {test::record_text(record, 7)};
  const std::string drawn = call.drawn(100);
  for (const char* part :
       {"ended after 9.000 s: User busy", "went on outside the applications", "rang 1.000 s",
        "talked 8.000 s", "on hold 2.500 s", "a part of it was not seen", "PJSIP/100-00000001  c1  first",
        "and 3 further legs", "transfer, blind, to 700@out: Success", "recording r1.wav, 3 s"}) {
    CHECK_THAT(drawn, ContainsSubstring(part));
  }
}
