#include "record/record.h"

#include "record/own_records.h"
#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::record;
using aribus::test::json;
using aribus::test::read_event;
using aribus::test::to_line;

namespace {

const WallTime received = *parse_time("2026-11-22T23:50:00.001Z");

std::string line_of_event(std::string_view event, uint64_t seq = 7) {
  return to_line(read_event(event, event.size(), "pbx1", received), seq);
}
Json params_of(std::string_view event) {
  const Json line = json(line_of_event(event));
  return copy_of(*find(line, "params"));
}
std::string field(std::string_view event, std::string_view name) {
  const Json params = params_of(event);
  const JsonValue* value = find(params, name);
  return value == nullptr ? "absent" : to_text(*value);
}

constexpr std::string_view stasis_start =
    R"({"type":"StasisStart","timestamp":"2026-11-22T23:47:29.970+0000","args":["inbound","100"],)"
    R"("channel":{"id":"c1","name":"PJSIP/sipp-00000001","state":"Ring","protocol_id":"x",)"
    R"("caller":{"name":"Alice","number":"100"},"connected":{"name":"","number":""},"accountcode":"",)"
    R"("dialplan":{"context":"from-sip","exten":"demo","priority":1,"app_name":"Stasis",)"
    R"("app_data":"demo,inbound,100"},"creationtime":"2026-11-22T23:47:29.969+0000","language":"en"},)"
    R"("asterisk_id":"02:fc:00:00:00:01","application":"demo"})";

}  // namespace

TEST_CASE("a StasisStart goes over the wire in exactly these bytes") {
  CHECK(line_of_event(stasis_start, 1042) ==
        R"({"jsonrpc":"2.0","method":"event","params":{"seq":1042,"time":"2026-11-22T23:47:29.970Z",)"
        R"("server":"pbx1","app":"demo","type":"StasisStart","channels":["c1"],"args":["inbound","100"],)"
        R"("channel":{"id":"c1","name":"PJSIP/sipp-00000001","state":"Ring","protocol_id":"x",)"
        R"("caller":{"name":"Alice","number":"100"},"connected":{"name":"","number":""},"accountcode":"",)"
        R"("dialplan":{"context":"from-sip","exten":"demo","priority":1,"app_name":"Stasis",)"
        R"("app_data":"demo,inbound,100"},"creationtime":"2026-11-22T23:47:29.969Z","language":"en"},)"
        R"("asterisk_id":"02:fc:00:00:00:01"}})"
        "\n");
}

TEST_CASE("the envelope is there even when the event says nothing") {
  CHECK(line_of_event(R"({"type":"Odd"})") ==
        R"({"jsonrpc":"2.0","method":"event","params":{"seq":7,"time":"2026-11-22T23:50:00.001Z",)"
        R"("server":"pbx1","app":"","type":"Odd","known":false}})"
        "\n");
}

TEST_CASE("the ids come in the order of the envelope") {
  const std::string line = line_of_event(
      R"({"type":"Odd","d":{"technology":"PJSIP","resource":"100"},"r":{"name":"rec","target_uri":"bridge:b2"},)"
      R"("p":{"id":"p1","media_uri":"sound:x"},"b":{"id":"b1","bridge_type":"mixing"},)"
      R"("c":{"id":"c1","name":"n","state":"Up"}})");
  CHECK_THAT(line,
             ContainsSubstring(R"("type":"Odd","channels":["c1"],"bridges":["b2","b1"],"playbacks":["p1"],)"
                               R"("recordings":["rec"],"endpoints":["PJSIP/100"],"known":false)"));
}

TEST_CASE("a known event without faults is neither invalid nor unknown") {
  CHECK(field(stasis_start, "known") == "absent");
  CHECK(field(stasis_start, "invalid") == "absent");
  CHECK(field(stasis_start, "timestamp") == "absent");
  CHECK(field(stasis_start, "application") == "absent");
}

TEST_CASE("an unknown type keeps its fields as they were") {
  const std::string_view event =
      R"({"type":"FromTheFuture","timestamp":"2026-11-22T23:47:29.970+0000","application":"demo",)"
      R"("when":"2026-11-22T23:47:29.970+0000","nothing":null,"cause":16,"n":1.50})";
  CHECK(field(event, "known") == "false");
  CHECK(field(event, "when") == R"("2026-11-22T23:47:29.970+0000")");
  CHECK(field(event, "nothing") == "null");
  CHECK(field(event, "cause") == "16");
  CHECK(field(event, "cause_txt") == "absent");
  CHECK(field(event, "n") == "1.5");
  CHECK(field(event, "time") == R"("2026-11-22T23:47:29.970Z")");
  CHECK(field(event, "app") == R"("demo")");
}

TEST_CASE("a model that is no event is no known type") {
  CHECK(field(R"({"type":"Channel","id":"c1"})", "known") == "false");
}

TEST_CASE("a field that bears a name of the envelope is kept apart") {
  const std::string_view event =
      R"({"type":"Odd","seq":"mine","server":null,"channels":["x"],"invalid":1,"fields":{"a":1},"other":2})";
  CHECK(line_of_event(event) ==
        R"({"jsonrpc":"2.0","method":"event","params":{"seq":7,"time":"2026-11-22T23:50:00.001Z",)"
        R"("server":"pbx1","app":"","type":"Odd","known":false,"other":2,)"
        R"("fields":{"seq":"mine","server":null,"channels":["x"],"invalid":1,"fields":{"a":1}}}})"
        "\n");
}

TEST_CASE("no field that ARI declares for an event bears a name of the envelope") {
  for (const ari::ModelType& model : ari::models()) {
    if (!model.event) continue;
    for (const char* name : {"seq", "time", "server", "app", "channels", "bridges", "playbacks", "recordings",
                             "endpoints", "devices", "known", "invalid", "synthetic", "fields"}) {
      INFO(model.name << "." << name);
      CHECK(model.find(name) == nullptr);
    }
  }
}

TEST_CASE("a timestamp that is no time is left in the event, and the time is that of its arrival") {
  const std::string_view event = R"({"type":"Odd","timestamp":"yesterday","application":5})";
  CHECK(field(event, "time") == R"("2026-11-22T23:50:00.001Z")");
  CHECK(field(event, "timestamp") == R"("yesterday")");
  CHECK(field(event, "app") == R"("")");
  CHECK(field(event, "application") == "5");
}

TEST_CASE("aribus' own records have their fields behind the envelope") {
  CHECK(to_line(own_record(ServerResynced{.came = 1, .changed = 2, .ended = 3}, "pbx1", received), 2) ==
        R"({"jsonrpc":"2.0","method":"event","params":{"seq":2,"time":"2026-11-22T23:50:00.001Z",)"
        R"("server":"pbx1","app":"","type":"server.resynced","came":1,"changed":2,"ended":3}})"
        "\n");
  CHECK(to_line(own_record(ServerRemoved{}, "pbx1", received), 2) ==
        R"({"jsonrpc":"2.0","method":"event","params":{"seq":2,"time":"2026-11-22T23:50:00.001Z",)"
        R"("server":"pbx1","app":"","type":"server.removed"}})"
        "\n");
}
