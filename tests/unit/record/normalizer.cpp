#include "record/normalizer.h"

#include <chrono>

#include "record/record.h"
#include "tests/catch.h"
#include "tests/support/cpu_time.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::record;
using aribus::test::json;
using aribus::test::read_event;
using aribus::test::to_line;

namespace {

struct Made {
  std::string text;
  std::string fault;
};
Made make(std::string_view model, std::string_view text) {
  JsonTape tape;
  Made made;
  IdSet ids;
  Normalizer normalizer(made.text, ids);
  normalizer.write(tape.read(text), ari::Type::model, false, find_rules(model));
  made.fault = normalizer.fault();
  return made;
}
std::string normalized(std::string_view model, std::string_view text) {
  return make(model, text).text;
}
std::string fault(std::string_view model, std::string_view text) {
  return make(model, text).fault;
}

constexpr std::string_view whole_channel =
    R"({"id":"c1","name":"n","state":"Up","caller":{"name":"","number":""},"connected":{"name":"","number":""},)"
    R"("accountcode":"","dialplan":{"context":"","exten":"","priority":1,"app_name":"","app_data":""},)"
    R"("creationtime":"2026-11-22T23:47:29.969+0000","language":"en","protocol_id":""})";

std::string event(std::string_view type, std::string_view members) {
  return R"({"type":")" + std::string(type) +
         R"(","application":"demo","timestamp":"2026-11-22T23:47:29.970+0000",)" + std::string(members) + "}";
}
std::string invalid_of(std::string_view text) {
  const record::Record record = read_event(text, text.size(), "pbx1", WallTime{});
  const Json line = json(to_line(record, 1));
  return std::string(find_string(*find(line, "params"), "invalid"));
}

}  // namespace

TEST_CASE("times become RFC 3339 in UTC wherever ARI declares one") {
  CHECK(normalized("Channel", R"({"creationtime":"2026-11-22T23:47:29.969+0100"})") ==
        R"({"creationtime":"2026-11-22T22:47:29.969Z"})");
  CHECK(normalized("Bridge", R"({"creationtime":"2026-11-22T23:47:29.969-0000"})") ==
        R"({"creationtime":"2026-11-22T23:47:29.969Z"})");
  CHECK(normalized("Channel", R"({"creationtime":"some day"})") == R"({"creationtime":"some day"})");
  // A text that looks like a time and is not declared as one stays.
  CHECK(normalized("Channel", R"({"name":"2026-11-22T23:47:29.969+0100"})") ==
        R"({"name":"2026-11-22T23:47:29.969+0100"})");
}

TEST_CASE("a time that ARI declares as a string is a time all the same") {
  CHECK(normalized("AsteriskPing",
                   R"({"asterisk_id":"a","ping":"pong","timestamp":"2026-11-26T22:07:17.679+1300"})") ==
        R"({"asterisk_id":"a","ping":"pong","timestamp":"2026-11-26T09:07:17.679Z"})");
}

TEST_CASE("null is left out, in every depth") {
  CHECK(normalized("Channel", R"({"id":null,"caller":{"name":null,"number":"1"},"unknown":null})") ==
        R"({"caller":{"number":"1"}})");
}

TEST_CASE("what ARI does not declare is written as it is") {
  CHECK(normalized("Channel", R"({"novelty":{"a":[1,null]},"id":"c1"})") ==
        R"({"novelty":{"a":[1,null]},"id":"c1"})");
  CHECK(normalized("Channel", R"("no object")") == R"("no object")");
}

TEST_CASE("a cause is never without its text") {
  CHECK(normalized("ChannelDestroyed", R"({"cause":17})") == R"({"cause":17,"cause_txt":"User busy"})");
  CHECK(normalized("ChannelDestroyed", R"({"cause":17,"cause_txt":"as sent"})") ==
        R"({"cause":17,"cause_txt":"as sent"})");
  CHECK(normalized("ChannelDestroyed", R"({"cause":17,"cause_txt":null})") ==
        R"({"cause":17,"cause_txt":"User busy"})");
  CHECK(normalized("ChannelDestroyed", R"({"cause":4})") == R"({"cause":4,"cause_txt":"Unknown"})");
  CHECK(normalized("ChannelHangupRequest", R"({"cause":16,"soft":true})") ==
        R"({"cause":16,"cause_txt":"Normal Clearing","soft":true})");
  CHECK(normalized("ChannelDestroyed", R"({"cause":null})") == "{}");
  CHECK(normalized("ChannelDestroyed", R"({"cause":true,"cause":17,"cause":16})") ==
        R"({"cause":true,"cause":17,"cause_txt":"User busy","cause":16})");
}

TEST_CASE("a cause that is a text is its own text") {
  CHECK(normalized("Peer", R"({"cause":"Expired"})") == R"({"cause":"Expired","cause_txt":"Expired"})");
}

TEST_CASE("numbers that ARI sends as strings become numbers") {
  CHECK(normalized("ContactInfo", R"({"roundtrip_usec":"1234"})") == R"({"roundtrip_usec":1234})");
  CHECK(normalized("ContactInfo", R"({"roundtrip_usec":"-1"})") == R"({"roundtrip_usec":-1})");
  CHECK(normalized("ContactInfo", R"({"roundtrip_usec":""})") == R"({"roundtrip_usec":""})");
  CHECK(normalized("ContactInfo", R"({"roundtrip_usec":"12x"})") == R"({"roundtrip_usec":"12x"})");
  CHECK(normalized("Peer", R"({"port":"5060","time":"7"})") == R"({"port":5060,"time":7})");
  CHECK(normalized("Channel", R"({"accountcode":"1234"})") == R"({"accountcode":"1234"})");
}

TEST_CASE("an object as ARI declares it has no fault") {
  CHECK(fault("Channel", whole_channel).empty());
}

TEST_CASE("a fault says where and why") {
  CHECK(fault("Channel", R"({"id":5})") == "id: a string is expected, not a value of type integer");
  CHECK(fault("Channel", "{}") == "id: missing");
  CHECK(fault("Channel", R"({"id":null})") == "id: missing");
  CHECK_THAT(fault("Channel", "[]"), ContainsSubstring("Channel is expected, not a value of type array"));
  std::string text(whole_channel);
  text.replace(text.find(R"("priority":1)"), 12, R"("priority":"1")");
  CHECK(fault("Channel", text) == "dialplan.priority: an integer is expected, not a value of type string");
}

TEST_CASE("an event with a fault is delivered with it, its fields as they came") {
  CHECK(invalid_of(event("StasisEnd", R"("channel":"c1")")) ==
        "channel: Channel is expected, not a value of type string");
  CHECK_THAT(invalid_of(event("StasisEnd", R"("channel":{"id":1})")),
             ContainsSubstring("channel.id: a string"));
  CHECK(invalid_of(event("StasisEnd", R"("x":1)")) == "channel: missing");
  CHECK_THAT(invalid_of(event("ChannelDestroyed",
                              R"("cause":"16","cause_txt":"x","channel":)" + std::string(whole_channel))),
             ContainsSubstring("cause: an integer is expected"));
  CHECK_THAT(invalid_of(event("StasisStart", R"("args":[1],"channel":)" + std::string(whole_channel))),
             ContainsSubstring("args[0]: a string is expected"));
  CHECK_THAT(invalid_of(event("StasisStart", R"("args":"x","channel":)" + std::string(whole_channel))),
             ContainsSubstring("args: an array is expected"));
  CHECK_THAT(invalid_of(R"({"type":"StasisEnd","application":"demo","timestamp":"soon","channel":)" +
                        std::string(whole_channel) + "}"),
             ContainsSubstring("timestamp: a time is expected, not 'soon'"));
  CHECK(invalid_of(event("StasisEnd", R"("channel":)" + std::string(whole_channel))).empty());
}

TEST_CASE("a cause beyond what Asterisk has is unknown, whatever its size and however it was read") {
  record::EventReader reader([] { return WallTime{}; });
  record::Record record;
  for (int known = 0; known < 2; ++known) {  // the second time by the shape of the first
    for (const char* cause : {"-1", "128", "2147483647", "2147483648", "4294967312", "999999999999999999",
                              "9223372036854775807"}) {
      const std::string text =
          event("ChannelHangupRequest",
                R"("cause":)" + std::string(cause) + R"(,"channel":)" + std::string(whole_channel));
      reader.read(text, text.size(), "pbx1", record);
      INFO(text);
      CHECK(record.member("cause_txt") == R"("Unknown")");
    }
  }
}

TEST_CASE("members that are there many times are read in a time that grows with the event") {
  const auto of = [](std::string_view member) {
    std::string text = R"({"type":"ChannelHangupRequest","application":"demo","timestamp":"x")";
    while (text.size() < 600'000) text.append(",").append(member);
    return text + "}";
  };
  for (const char* member :
       {R"("cause":1)", R"("channel":{"cause":1,"id":"c"})", R"("cause":"1","cause_txt":null)",
        R"("channel":{})", R"("timestamp":"x")", R"("application":1)", R"("seq":1)", R"("soft":"x")",
        R"("x":{"id":"a","name":"b"})"}) {
    const std::string text = of(member);
    const auto begin = aribus::test::cpu_time();
    const record::Record record = read_event(text, text.size(), "pbx1", WallTime{});
    const auto took = aribus::test::cpu_time() - begin;
    INFO(member);
    CHECK(record.type == "ChannelHangupRequest");
    CHECK(took < std::chrono::seconds(2));  // the square of it: 8 s and more
  }
}

TEST_CASE("a text that is no time is repeated, cut") {
  const std::string text =
      event("StasisEnd", R"("channel":{"creationtime":")" + std::string(100'000, 'x') + R"("})");
  CHECK(invalid_of(text).size() < 200);
  CHECK_THAT(invalid_of(text), ContainsSubstring("a time is expected, not 'xxx"));
}
