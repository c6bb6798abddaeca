// What is known of events' shapes changes nothing but the speed.
#include "record/shape_cache.h"

#include <random>
#include <vector>

#include "record/event_reader.h"
#include "tests/catch.h"
#include "tests/unit/helpers.h"
#include "tests/unit/record/recorded.h"

using namespace aribus;
using namespace aribus::record;
using namespace std::literals;
using aribus::test::line_with_members;
using aribus::test::recorded_at;
using aribus::test::recorded_events;

namespace {

std::vector<std::string> all_recorded() {
  std::vector<std::string> events = recorded_events("events-16.jsonl");
  for (std::string& event : recorded_events("events-22.jsonl")) events.push_back(std::move(event));
  REQUIRE(events.size() > 8000);
  return events;
}

// With all that ARI declares of a channel: an event with a fault has no shape.
const std::string channel =
    R"({"id":"c1","name":"n","state":"Up","caller":{"name":"","number":""},"connected":{"name":"","number":""},)"
    R"("accountcode":"","dialplan":{"context":"","exten":"","priority":1,"app_name":"","app_data":""},)"
    R"("creationtime":"2026-11-22T21:46:17.690+0000","language":"en","protocol_id":""})";

// As one that has seen nothing before reads it, once.
std::string fresh_line(const std::string& text) {
  EventReader fresh(recorded_at);
  return line_with_members(fresh, text);
}

// Whether the event is read by its shape.
bool is_known(EventReader& reader, const std::string& text) {
  PaddedText padded;
  Record record;
  return padded.set(text) && reader.shape_cache().read(padded, record);
}

}  // namespace

TEST_CASE("an event of a known shape becomes the record that it would have become without") {
  EventReader reader(recorded_at);
  const auto events = all_recorded();
  for (int round = 0; round < 3; ++round) {
    for (const std::string& event : events) {
      const std::string line = line_with_members(reader, event);
      if (line != fresh_line(event)) {
        INFO(event);
        REQUIRE(line == fresh_line(event));
      }
    }
  }
}

TEST_CASE("odd values in a known shape are read as they would have been without") {
  EventReader reader(recorded_at);
  const auto check = [&](const std::string& text) {
    INFO(text);
    CHECK(line_with_members(reader, text) == fresh_line(text));
  };
  const auto varset = [](const std::string& value, const std::string& time) {
    return R"({"variable":"X","value":)" + value + R"(,"type":"ChannelVarset","timestamp":)" + time +
           R"(,"application":"demo"})";
  };
  const std::string time = R"("2026-11-22T21:46:17.690+0000")";
  for (int i = 0; i < 2; ++i) check(varset(R"("plain")", time));
  CHECK(is_known(reader, varset(R"("other")", time)));
  for (const char* value :
       {R"("")", R"("a\"b")", R"("\u00e4")", "\"\xC3\xA4\"", "\"\xC3\"", "\"\x01\"", R"("\q")", "5", "null",
        "true", "[]", "{}", R"(" \\")", R"("01234567")", R"("0123456")", R"("012345678")", "\"", ""}) {
    check(varset(value, time));
  }
  for (const char* other : {R"("2026-11-22T21:46:17.690+0100")", R"("2026-11-22T21:46:17Z")",
                            R"("2026-02-30T21:46:17.690+0000")", R"("")", R"("yesterday")", "5", "null"}) {
    check(varset(R"("plain")", other));
  }
  const auto dtmf = [](const std::string& duration) {
    return R"({"type":"ChannelDtmfReceived","timestamp":"2026-11-22T21:46:17.690+0000","digit":"1","duration_ms":)" +
           duration + R"(,"channel":)" + channel + R"(,"application":"demo"})";
  };
  for (int i = 0; i < 2; ++i) check(dtmf("100"));
  CHECK(is_known(reader, dtmf("101")));
  for (const char* number : {"0", "-1", "-0", "01", "1.5", "1e3", "1E3", "-", "", "999999999999999999",
                             "9999999999999999999", "99999999999999999999", "1 ", " 1", "\"1\"", "null"}) {
    check(dtmf(number));
  }
  const auto hangup = [](const std::string& cause, const std::string& rest) {
    return R"({"cause":)" + cause +
           R"(,"soft":true,"type":"ChannelHangupRequest","timestamp":"2026-11-22T21:46:17.690+0000",)" +
           R"("channel":)" + channel + R"(,"application":"demo")" + rest;
  };
  for (int i = 0; i < 2; ++i) check(hangup("16", "}"));
  CHECK(is_known(reader, hangup("17", "}")));
  for (const char* cause : {"17", "0", "-1", "4294967312", "999999999999999999", "1.0", "\"16\""}) {
    check(hangup(cause, "}"));
  }
  for (const char* rest : {"", "}}", "} ", R"(,"cause_txt":"x"})", R"(,"application":"other"})", "}\n"}) {
    check(hangup("16", rest));
  }
  std::string causes;
  for (int i = 0; i < 350; ++i) causes += R"(,"cause":1)";
  for (int i = 0; i < 3; ++i) check(hangup("16", causes + "}"));
}

TEST_CASE("a cause of the wrong type that comes before all other values is told as a fault") {
  for (const char* text : {R"({"peer":{"cause":16},"type":"PeerStatusChange"})",
                           R"({"type":"PeerStatusChange","peer":{"cause":16}})",
                           R"({"type":"ChannelDestroyed","cause":[16]})"}) {
    INFO(text);
    EventReader reader(recorded_at);
    const std::string line = line_with_members(reader, text);
    CHECK(line == fresh_line(text));
    CHECK_FALSE(line.find(R"("invalid":)") == std::string::npos);
  }
}

TEST_CASE("damaged events are read as they would have been without their shapes") {
  EventReader reader(recorded_at);
  const auto events = all_recorded();
  for (const std::string& event : events) line_with_members(reader, event);
  std::mt19937 random(20261122);
  const auto any = [&](size_t below) { return random() % below; };
  constexpr std::string_view odd = "\"\\{}[]:,0-9.eZ+T \n\x01\x7F\xC3\xA4\xFF\0n"sv;
  for (int i = 0; i < 30'000; ++i) {
    std::string text = events[any(events.size())];
    for (size_t damages = 1 + any(2); damages > 0; --damages) {
      const size_t at = any(text.size());
      switch (any(4)) {
        case 0:
          text[at] = odd[any(odd.size())];
          break;
        case 1:
          text.insert(at, 1, odd[any(odd.size())]);
          break;
        case 2:
          text.erase(at, 1 + any(3));
          break;
        default:
          text.insert(at, text.substr(any(text.size()), any(40)));
      }
      if (text.empty()) text = "{";
    }
    const std::string line = line_with_members(reader, text);
    if (line != fresh_line(text)) {
      INFO(text);
      REQUIRE(line == fresh_line(text));
    }
  }
}

TEST_CASE("nearly all events of an Asterisk have a shape") {
  const auto events = all_recorded();
  EventReader reader(recorded_at);
  for (const std::string& event : events) line_with_members(reader, event);
  size_t known = 0;
  for (const std::string& event : events) known += is_known(reader, event) ? 1 : 0;
  CHECK(known > events.size() * 97 / 100);
}

TEST_CASE("events that are all different cost no memory and displace no known shape") {
  EventReader reader(recorded_at);
  const auto dtmf = [](const std::string& name) {
    return R"({"type":"ChannelDtmfReceived","timestamp":"2026-11-22T21:46:17.690+0000","digit":"1",)"
           R"("duration_ms":5,"channel":)" +
           channel + R"(,")" + name + R"(":"x","application":"demo"})";
  };
  for (int i = 0; i < 2; ++i) line_with_members(reader, dtmf("usual"));
  REQUIRE(is_known(reader, dtmf("usual")));
  const size_t steps = reader.shape_cache().steps();
  for (int i = 0; i < 100'000; ++i) {
    line_with_members(reader, dtmf("odd" + std::to_string(i)));
    REQUIRE(reader.shape_cache().steps() == steps);
  }
  CHECK(is_known(reader, dtmf("usual")));
  CHECK_FALSE(is_known(reader, dtmf("odd99999")));
  line_with_members(reader, dtmf("odd99999"));
  CHECK(is_known(reader, dtmf("odd99999")));
}

TEST_CASE("more shapes than have room are bounded, and those of other events than before find room") {
  EventReader reader(recorded_at);
  const auto varset = [](const std::string& before, int i) {
    return R"({"variable":"X",")" + before + std::to_string(i) +
           R"(":"x","value":"y","type":"ChannelVarset",)" +
           R"("timestamp":"2026-11-22T21:46:17.690+0000","application":"demo"})";
  };
  for (const char* kind : {"a", "b", "c"}) {
    for (int i = 0; i < 5000; ++i) {
      for (int again = 0; again < 3; ++again) line_with_members(reader, varset(kind, i));
      REQUIRE(reader.shape_cache().steps() <= ShapeCache::max_steps);
    }
    int known = 0;
    for (int i = 0; i < 5000; ++i) known += is_known(reader, varset(kind, i)) ? 1 : 0;
    INFO(kind);
    CHECK(known > 0);
    CHECK(known <= static_cast<int>(ShapeCache::max_siblings));
  }
}

TEST_CASE("a text is read as the record that it was written of") {
  EventReader reader(recorded_at);
  JsonTape tape;
  Record record, again;
  uint64_t seq = 7;
  for (const std::string& event : all_recorded()) {
    reader.read(event, event.size(), "pbx \"1\"", record);
    const std::string text = test::record_text(record, ++seq);
    REQUIRE(read_text(tape, text, again) == seq);
    REQUIRE(test::record_text(again, seq) == text);
    const auto begins = [](const Record& of) {
      std::vector<uint32_t> places;
      for (const record::Member& member : of.members) places.push_back(member.begin);
      return places;
    };
    REQUIRE(begins(again) == begins(record));
  }
  for (const char* text : {"", "{}", R"({"seq":1})", "[]", "5", "x",
                           R"({"seq":0,"time":"2026-11-22T23:50:00.001Z","server":"","app":"","type":""})"}) {
    CHECK_FALSE(read_text(tape, text, again));
  }
}

TEST_CASE("a record knows where its members are") {
  EventReader reader(recorded_at);
  JsonTape tape;
  Record record;
  const auto check = [&](const std::string& event) {
    reader.read(event, event.size(), "pbx1", record);
    const std::string object = record.fields.empty() ? "{}" : "{" + record.fields.substr(1) + "}";
    size_t count = 0;
    std::string decoded;
    for (const auto& child : tape.read(object).children()) {
      ++count;
      if (record.member(child.name().raw()) != child.value().text()) {
        INFO(event << "\n" << record.fields);
        REQUIRE(record.member(child.name().raw()) == child.value().text());
      }
    }
    REQUIRE(count == record.members.size());
  };
  for (const std::string& event : all_recorded()) check(event);
  for (const char* event :
       {R"({"type":"Odd","a":1,"b":null,"channel":{"id":"c1"},"seq":5})", R"({"type":"StasisStart"})",
        R"({"application":"x","type":"Dial","peer":{"id":"p"},"seq":5,"time":[]})", R"({"type":"Odd"})",
        R"({"variable":null,"type":"ChannelVarset","value":7,"channel":{"id":"c1","name":5}})",
        R"({"cause":16,"type":"ChannelDestroyed","channel":{},"after":[{}]})"}) {
    check(event);
  }
  CHECK(record.member("channel") == "{}");
  CHECK(record.member("cause_txt") == R"("Normal Clearing")");
  CHECK(record.member("chann").empty());
  record.add_member("synthetic", "true");
  CHECK(record.member("after") == "[{}]");
  CHECK(record.member("synthetic") == "true");
}
