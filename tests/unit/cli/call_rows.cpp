// What `aribus calls` shows of its rows, in which order, and what programs get.
#include "cli/call_rows.h"

#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::cli;

namespace {

const WallTime shown_at = *parse_time("2026-11-22T21:46:17.000Z");

CallRow row_of(const std::string& id, const std::string& who, int seconds) {
  CallRow row;
  row.server = "pbx1";
  row.channels = {id};
  row.name = "PJSIP/100-" + id;
  row.who = who;
  row.state = "Up";
  row.began = shown_at - std::chrono::seconds(seconds);
  row.app = "demo";
  return row;
}

}  // namespace

TEST_CASE("a filter's lists are and-ed, their values or-ed") {
  CallRow one = row_of("c1", "Alice <100>", 5);
  one.channels.emplace_back("c2");
  CHECK(CallFilter().matches(one));
  CHECK(CallFilter{{"pbx2", "pbx1"}, {"demo"}, {"c2"}, "alice"}.matches(one));
  CHECK_FALSE(CallFilter{{"pbx2"}, {}, {}, ""}.matches(one));
  CHECK_FALSE(CallFilter{{}, {"dem"}, {}, ""}.matches(one));
  CHECK_FALSE(CallFilter{{}, {}, {"c"}, ""}.matches(one));
  CHECK_FALSE(CallFilter{{}, {}, {}, "bob"}.matches(one));
  CHECK(CallFilter{{"pbx1"}, {"demo"}, {"c2"}, "bob"}.text() == "server=pbx1, app=demo, channel=c2, /bob");
}

TEST_CASE("a search does not tell upper and lower case apart, in any alphabet") {
  const auto found = [](const std::string& who, const std::string& search) {
    return CallFilter{{}, {}, {}, search}.matches(row_of("c1", who, 1));
  };
  CHECK(found("Jürgen Große", "JÜRGEN"));
  CHECK(found("Ju\u0308rgen", "jürgen"));
  CHECK(found("Große", "GROSSE"));
  CHECK(found("Иван", "иВАН"));
  CHECK(found("日本語テスト", "テスト"));
  CHECK(found("a\xff", "A"));
  CHECK_FALSE(found("Alice", "PJSIP/100-c1\nAlice"));  // it goes over no end of a text
}

TEST_CASE("rows are in the order asked for, and in that of time where they are equal") {
  const auto ids = [](const std::string& order) {
    std::vector<CallRow> rows{row_of("c1", "B", 5), row_of("c2", "A", 9), row_of("c3", "B", 7)};
    CallOrder::read(order)->sort(rows);
    std::string out;
    for (const CallRow& one : rows) out += one.channels.front();
    return out;
  };
  CHECK(ids("time") == "c2c3c1");
  CHECK(ids("-time") == "c1c3c2");
  CHECK(ids("who") == "c2c3c1");
  CHECK(ids("-who") == "c1c3c2");
  CHECK(ids("channel") == "c1c2c3");
  CHECK(CallOrder::read("-bridge")->text() == "-bridge");
  CHECK_FALSE(CallOrder::read("age"));
  CHECK_FALSE(CallOrder::read(""));
}

TEST_CASE("programs get whole ids and times, in fields and as JSON") {
  CallRow one = row_of("aribus-5e1d0c77a2b94f06-and-much-more-than-a-screen-has-room-for", "Alice <100>", 65);
  one.channels.emplace_back("c2");
  one.bridge_id = "b1";
  one.bridge_name = "support";
  one.bridge_type = "holding";
  one.with = "waits in support";
  const std::vector<std::string> fields = call_fields(one, shown_at);
  REQUIRE(fields.size() == call_field_names().size());
  CHECK(fields == std::vector<std::string>{one.channels[0], "Alice <100>", "waits in support", "Up", "65",
                                           "2026-11-22T21:45:12.000Z", "demo", "pbx1", one.name, "support",
                                           "holding", "c2"});
  const std::string json = calls_json({one, row_of("c3", "", 0)}, 7, "a:1", shown_at);
  CHECK(json ==
        R"({"cursor":"a:1","all":7,"calls":[{"server":"pbx1","channels":[")" + one.channels[0] +
            R"(","c2"],"name":")" + one.name +
            R"(","who":"Alice <100>","with":"waits in support","state":"Up",)"
            R"("began":"2026-11-22T21:45:12.000Z","seconds":65,"app":"demo",)"
            R"("bridge":{"id":"b1","name":"support","type":"holding"}},)"
            R"({"server":"pbx1","channels":["c3"],"name":"PJSIP/100-c3","who":"","with":"","state":"Up",)"
            R"("began":"2026-11-22T21:46:17.000Z","seconds":0,"app":"demo"}]})");
}
