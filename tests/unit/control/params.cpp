#include "control/params.h"

#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::control;
using aribus::test::json;

namespace {

using ari::Parameter;
using ari::Place;
using ari::Type;

constexpr int64_t lowest = std::numeric_limits<int64_t>::min();
constexpr int64_t highest = std::numeric_limits<int64_t>::max();
constexpr std::string_view modes[] = {"both", "in", "out"};
constexpr Parameter declared[] = {
    {"channelId", Place::path, Type::string, true, false, {}, lowest, highest, ""},
    {"media", Place::query, Type::string, false, true, {}, lowest, highest, ""},
    {"mode", Place::query, Type::string, false, false, modes, lowest, highest, ""},
    {"timeout", Place::query, Type::integer, false, false, {}, 0, 100, ""},
    {"gain", Place::query, Type::number, false, false, {}, lowest, highest, ""},
    {"mute", Place::query, Type::boolean, false, false, {}, lowest, highest, ""},
    {"variables", Place::body, Type::object, false, false, {}, lowest, highest, ""},
};

// The message for `params`, or "" when they are fine.
std::string fault(std::string_view params) {
  const auto checked = check_params(declared, json(params));
  if (checked) return {};
  CHECK(checked.error().kind == ErrorKind::invalid_params);
  return checked.error().message;
}

}  // namespace

TEST_CASE("parameters of their declared types are fine") {
  CHECK(fault(R"({"channelId":"c1"})").empty());
  CHECK(fault(R"({"channelId":"c1","media":["a","b"],"mode":"in","timeout":100,"gain":1.5,"mute":false,)"
              R"("variables":{"a":"b"}})")
            .empty());
  CHECK(fault(R"({"channelId":"c1","media":"a","gain":2,"timeout":0})").empty());
}

TEST_CASE("a missing parameter is named with its type") {
  CHECK(fault("{}") == "channelId: a string is missing");
}

TEST_CASE("an unknown parameter is named with the nearest known one and all that are known") {
  CHECK(
      fault(R"({"chanelId":"c1"})") ==
      "chanelId: no such parameter; did you mean 'channelId'? (known: channelId, media, mode, timeout, gain, "
      "mute, variables)");
  CHECK_THAT(fault(R"({"channelId":"c1","zzz":1})"), ContainsSubstring("zzz: no such parameter (known:"));
  CHECK(check_params({}, json(R"({"x":1})")).error().message == "x: no such parameter (there are none)");
}

TEST_CASE("an ill-typed parameter is named with the type and what was given") {
  CHECK(fault(R"({"channelId":5})") == "channelId: a string is expected, not 5");
  CHECK(fault(R"({"channelId":null})") == "channelId: a string is expected, not null");
  CHECK(fault(R"({"channelId":["c1"]})") == "channelId: a string is expected, not a value of type array");
  CHECK(fault(R"({"channelId":"c","timeout":"5"})") == "timeout: an integer is expected, not '5'");
  CHECK(fault(R"({"channelId":"c","timeout":1.5})") == "timeout: an integer is expected, not 1.5");
  CHECK(fault(R"({"channelId":"c","timeout":18446744073709551615})") ==
        "timeout: an integer is expected, not 18446744073709551615");
  CHECK(fault(R"({"channelId":"c","gain":"loud"})") == "gain: a number is expected, not 'loud'");
  CHECK(fault(R"({"channelId":"c","mute":1})") == "mute: a boolean is expected, not 1");
  CHECK(fault(R"({"channelId":"c","mute":"true"})") == "mute: a boolean is expected, not 'true'");
  CHECK(fault(R"({"channelId":"c","variables":"x"})") == "variables: an object is expected, not 'x'");
}

TEST_CASE("a value that is none of those allowed is named with the nearest") {
  CHECK(fault(R"({"channelId":"c","mode":"boht"})").empty() == false);
  CHECK(fault(R"({"channelId":"c","mode":"bothh"})") ==
        "mode: one of both, in, out is expected, not 'bothh'; did you mean 'both'?");
}

TEST_CASE("a number out of its range is refused with the bound") {
  CHECK(fault(R"({"channelId":"c","timeout":-1})") == "timeout: at least 0 is expected, not -1");
  CHECK(fault(R"({"channelId":"c","timeout":101})") == "timeout: at most 100 is expected, not 101");
}

TEST_CASE("an array is allowed for a parameter of several values, and each of them is checked") {
  CHECK(fault(R"({"channelId":"c","media":["a"]})").empty());
  CHECK(fault(R"({"channelId":"c","media":["a",5]})") ==
        "media: a string or an array of them is expected, not 5");
  CHECK(fault(R"({"channelId":"c","media":[["a"]]})") ==
        "media: a string or an array of them is expected, not a value of type array");
  CHECK(fault(R"({"channelId":"c","media":[]})") == "media: at least one value is missing");
  CHECK(fault(R"({"channelId":"c","mode":["in"]})") ==
        "mode: a string is expected, not a value of type array");
}

TEST_CASE("an id in the path may not be empty, another text may") {
  CHECK(fault(R"({"channelId":""})") == "channelId: a string that is not empty is missing");
  CHECK(fault(R"({"channelId":"c","media":""})").empty());
}

TEST_CASE("parameters are an object") {
  CHECK(fault("[]") == "params: an object is expected, not array");
  CHECK(fault("5") == "params: an object is expected, not integer");
}

TEST_CASE("an error carries the parameter's name for programs") {
  const auto checked = check_params(declared, json(R"({"channelId":5})"));
  REQUIRE_FALSE(checked.ok());
  const Json data = json(checked.error().data);
  CHECK(find_string(data, "parameter") == "channelId");
  CHECK(find_string(data, "expected") == "a string");
}

TEST_CASE("an error repeats no more than the beginning of what was given") {
  const std::string long_text(10'000, 'x');
  CHECK(fault(R"({"channelId":"c","timeout":")" + long_text + "\"}").size() < 200);
  CHECK(fault(R"({"channelId":"c",")" + long_text + R"(":1})").size() < 250);
}

TEST_CASE("a string that Asterisk would cut at a NUL is refused") {
  CHECK(fault(R"({"channelId":"c1\u0000x"})").starts_with("channelId: a value without NUL characters"));
  CHECK(fault(R"({"channelId":"c1","media":["a","b\u0000"]})").starts_with("media: a value without NUL"));
  for (const char* variables :
       {R"({"a\u0000b":"x"})", R"({"a":"x\u0000"})", R"({"a":{"value":["x\u0000"]}})"}) {
    CHECK(fault(R"({"channelId":"c1","variables":)" + std::string(variables) + "}")
              .starts_with("variables: a value without NUL"));
  }
}

TEST_CASE("a parameter given twice is refused: nobody can say which one was meant") {
  CHECK(fault(R"({"channelId":"c1","channelId":"c2"})") == "channelId: given twice");
}

TEST_CASE("null stands for no parameters") {
  CHECK(check_params({}, json("null")).ok());
  CHECK(fault("null") == "channelId: a string is missing");
}
