// What `aribus calls` shows of its rows, in which order, and what programs get.
#include "cli/call_rows.h"

#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::cli;

namespace {

const WallTime shown_at = *parse_time("2026-11-22T21:46:17.000Z");

LegRow leg_of(const std::string& id, const std::string& who, int seconds) {
  LegRow leg;
  leg.server = "pbx1";
  leg.channel = id;
  leg.name = "PJSIP/100-" + id;
  leg.who = who;
  leg.state = "Up";
  leg.began = shown_at - std::chrono::seconds(seconds);
  leg.app = "demo";
  return leg;
}

// A channel of no call.
CallRow row_of(const std::string& id, const std::string& who, int seconds) {
  CallRow row;
  row.who = who;
  row.legs = {leg_of(id, who, seconds)};
  return row;
}

// With the legs c1 and c2.
CallRow call_of_two() {
  CallRow call;
  call.id = "pbx1/c1/1";
  call.direction = "inbound";
  call.from = {"Alice", "100"};
  call.to = {"", "200"};
  call.who = "Alice <100>";
  call.called = "200";
  call.state = "up";
  call.started = shown_at - std::chrono::seconds(70);
  call.legs = {leg_of("c1", "Alice <100>", 70), leg_of("c2", "Bob <201>", 65)};
  call.legs[1].app = "";
  return call;
}

std::string ids_of(const std::vector<CallLine>& lines) {
  std::string out;
  for (const CallLine& line : lines) {
    if (!out.empty()) out += ' ';
    out += line.leg != nullptr || line.call->id.empty() ? line.first().channel : line.call->id;
  }
  return out;
}

}  // namespace

TEST_CASE("a filter's lists are and-ed, their values or-ed") {
  const CallRow one = call_of_two();
  const auto matches = [&](const CallFilter& filter) { return filter.matches({&one}); };
  CHECK(matches(CallFilter()));
  CHECK(matches({{"pbx2", "pbx1"}, {"demo"}, {"c1"}, "alice"}));
  CHECK_FALSE(matches({{"pbx2"}, {}, {}, ""}));
  CHECK_FALSE(matches({{}, {"dem"}, {}, ""}));
  CHECK_FALSE(matches({{}, {}, {"c"}, ""}));
  CHECK_FALSE(matches({{}, {}, {}, "carol"}));
  CHECK(CallFilter{{"pbx1"}, {"demo"}, {"c2"}, "bob"}.text() == "server=pbx1, app=demo, channel=c2, /bob");
}

TEST_CASE("a call matches when a leg does, and of the legs only those that do") {
  const std::vector<CallRow> calls{call_of_two(), row_of("c3", "Carol", 5)};
  const auto found = [&](const CallFilter& filter) {
    return ids_of(lines_of_calls(calls, filter, {})) + " | " + ids_of(lines_of_legs(calls, filter, {}));
  };
  CHECK(found({}) == "pbx1/c1/1 c3 | c1 c2 c3");
  CHECK(found({{}, {}, {"c2"}, ""}) == "pbx1/c1/1 | c2");
  CHECK(found({{}, {"demo"}, {}, ""}) == "pbx1/c1/1 c3 | c1 c3");
  CHECK(found({{}, {"demo"}, {"c2"}, ""}) == " | ");  // no leg is both
  CHECK(found({{}, {}, {}, "bob"}) == "pbx1/c1/1 | c2");
  CHECK(found({{}, {}, {}, "200"}) == "pbx1/c1/1 | c1 c2");  // the call's text is that of each leg
  CHECK(found({{}, {}, {}, "PBX1/C1"}) == "pbx1/c1/1 | c1 c2");
  CHECK(found({{}, {}, {}, "carol"}) == "c3 | c3");
}

TEST_CASE("the legs of open calls are below them, and a channel of no call has none") {
  const std::vector<CallRow> calls{call_of_two(), row_of("c3", "Carol", 5)};
  const std::vector<CallLine> lines = lines_of_calls(calls, {}, {});
  CHECK(ids_of(with_legs(lines, [](const CallRow&) { return false; })) == "pbx1/c1/1 c3");
  CHECK(ids_of(with_legs(lines, [](const CallRow&) { return true; })) == "pbx1/c1/1 c1 c2 c3");
}

TEST_CASE("a search does not tell upper and lower case apart, in any alphabet") {
  const auto found = [](const std::string& who, const std::string& search) {
    const CallRow row = row_of("c1", who, 1);
    return CallFilter{{}, {}, {}, search}.matches({&row});
  };
  CHECK(found("Jürgen Große", "JÜRGEN"));
  CHECK(found("Ju\u0308rgen", "jürgen"));
  CHECK(found("Große", "GROSSE"));
  CHECK(found("Иван", "иВАН"));
  CHECK(found("日本語テスト", "テスト"));
  CHECK(found("a\xff", "A"));
  CHECK_FALSE(found("Alice", "PJSIP/100-c1\nAlice"));  // it goes over no end of a text
}

TEST_CASE("lines are in the order asked for, and in that of time where they are equal") {
  std::vector<CallRow> rows{row_of("c1", "B", 5), row_of("c2", "A", 9), row_of("c3", "B", 7)};
  rows[1].legs[0].bridge_id = "x";
  const auto ids = [&](const std::string& order) {
    return ids_of(lines_of_calls(rows, {}, *CallOrder::read(order)));
  };
  CHECK(ids("time") == "c2 c3 c1");
  CHECK(ids("-time") == "c1 c3 c2");
  CHECK(ids("who") == "c2 c3 c1");
  CHECK(ids("-who") == "c1 c3 c2");
  CHECK(ids("channel") == "c1 c2 c3");
  CHECK(ids("bridge") == "c3 c1 c2");
  CHECK(CallOrder::read("-bridge")->text() == "-bridge");
  CHECK_FALSE(CallOrder::read("age"));
  CHECK_FALSE(CallOrder::read(""));
  rows.push_back(call_of_two());
  CHECK(ids("time") == "pbx1/c1/1 c2 c3 c1");
  CHECK(ids("-called") == "pbx1/c1/1 c1 c3 c2");
  CHECK(ids("-state") == "pbx1/c1/1 c1 c3 c2");
}

TEST_CASE("programs get whole ids and times, in fields and as JSON") {
  CallRow call = call_of_two();
  LegRow& first = call.legs[0];
  first.channel = "aribus-5e1d0c77a2b94f06-and-much-more-than-a-screen-has-room-for";
  first.half = "c2";
  first.bridge_id = "b1";
  first.bridge_name = "support";
  first.bridge_type = "holding";
  first.with = "waits in support";
  call.answered = shown_at;
  const CallRow other = row_of("c3", "", 0);
  const std::vector<std::string> fields = leg_fields({&call, &first}, shown_at);
  REQUIRE(fields.size() == leg_field_names().size());
  CHECK(fields == std::vector<std::string>{first.channel, "Alice <100>", "waits in support", "Up", "70",
                                           "2026-11-22T21:45:07.000Z", "demo", "pbx1", first.name, "support",
                                           "holding", "c2", "pbx1/c1/1", "inbound", "Alice <100>", "200",
                                           "up"});
  CHECK(leg_fields({&other, &other.legs[0]}, shown_at).size() == fields.size());
  const std::string bridge = R"("bridge":{"id":"b1","name":"support","type":"holding"})";
  const std::string shown = R"("name":")" + first.name +
                            R"(","who":"Alice <100>","with":"waits in support","state":"Up",)"
                            R"("began":"2026-11-22T21:45:07.000Z",)";
  const std::string json = calls_json({{&call}, {&other}}, 7, "a:1", shown_at);
  CHECK(json ==
        R"({"cursor":"a:1","all":7,"calls":[{"server":"pbx1","channels":[")" + first.channel + R"(","c2"],)" +
            shown + R"("seconds":70,"app":"demo",)" + bridge +
            R"(,"call":{"id":"pbx1/c1/1","direction":"inbound","from":{"name":"Alice","number":"100"},)"
            R"("to":{"name":"","number":"200"},"state":"up","started":"2026-11-22T21:45:07.000Z",)"
            R"("answered":"2026-11-22T21:46:17.000Z","complete":true,"legs":[{"channel":")" +
            first.channel + R"(",)" + shown + R"("held":false,"app":"demo",)" + bridge +
            R"(},{"channel":"c2","name":"PJSIP/100-c2","who":"Bob <201>","with":"","state":"Up",)"
            R"("began":"2026-11-22T21:45:12.000Z","held":false,"app":""}]}},)"
            R"({"server":"pbx1","channels":["c3"],"name":"PJSIP/100-c3","who":"","with":"","state":"Up",)"
            R"("began":"2026-11-22T21:46:17.000Z","seconds":0,"app":"demo"}]})");
}
