#include "json/described.h"

#include "tests/catch.h"
#include "tests/support/repeated_key.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using aribus::test::json;

namespace {

struct Leg {
  std::string id;
  static constexpr auto members = std::tuple(member("id", &Leg::id));
};

struct Call {
  static constexpr std::string_view states[] = {"ringing", "up"};
  std::string state;
  std::string cause;
  uint64_t number = 0;
  int64_t offset = 0;
  bool held = false;
  WallTime began;
  std::vector<Leg> legs;
  OrNull<std::string> user;
  OrNull<JsonText<Leg>> first;
  std::optional<std::vector<std::string>> tags;
  std::optional<bool> recorded;
  JsonText<AnyObject> free;
  static constexpr auto members = std::tuple(
      member("state", &Call::state).one_of(states), member("cause", &Call::cause).known_values(states),
      member("number", &Call::number).at_least(1), member("offset", &Call::offset),
      member("held", &Call::held), member("began", &Call::began), member("legs", &Call::legs),
      member("user", &Call::user), member("first", &Call::first), member("tags", &Call::tags),
      member("recorded", &Call::recorded), member("free", &Call::free));
};

struct Longer : Leg {
  uint64_t more = 0;
  static constexpr auto members = std::tuple_cat(Leg::members, std::tuple(member("more", &Longer::more)));
};

struct Nothing {
  static constexpr auto members = std::tuple();
};

struct Twice {
  uint64_t a = 0;
  uint64_t b = 0;
  static constexpr auto members = std::tuple(member("a", &Twice::a), member("a", &Twice::b));
};

}  // namespace

TEST_CASE("a struct is written with its members in their order") {
  Call call{.state = "up",
            .cause = "\"",
            .number = UINT64_MAX,
            .offset = -5,
            .held = true,
            .began = *parse_time("2026-11-22T21:46:17.690Z"),
            .legs = {{"a"}, {"b"}},
            .user = {},
            .first = {},
            .tags = {},
            .recorded = {},
            .free = {"{}"}};
  CHECK(
      to_json(call) ==
      R"({"state":"up","cause":"\"","number":18446744073709551615,"offset":-5,"held":true,)"
      R"("began":"2026-11-22T21:46:17.690Z","legs":[{"id":"a"},{"id":"b"}],"user":null,"first":null,"free":{}})");
  call.user = {"alice"};
  call.first = {{R"({"id":"a"})"}};
  call.tags.emplace();
  call.recorded = false;
  const Json written = json(to_json(call));
  CHECK(written["user"] == "alice");
  CHECK(written["first"] == json(R"({"id":"a"})"));
  CHECK(written["tags"] == json("[]"));
  CHECK(written["recorded"].IsFalse());
}

TEST_CASE("what is written takes no more than it may, whatever the texts are") {
  Call call{.state = std::string(100, '\x01'),
            .cause = "",
            .number = UINT64_MAX,
            .offset = INT64_MIN,
            .held = false,
            .began = *parse_time("2026-11-22T21:46:17.690Z"),
            .legs = std::vector<Leg>(20, {std::string(20, '"')}),
            .user = {"\\"},
            .first = {{R"({"id":"a"})"}},
            .tags = std::vector<std::string>{"", "\n"},
            .recorded = true,
            .free = {"{}"}};
  const auto check = [](const auto& value) {
    std::string text(max_json_bytes(value) + 1, '~');
    text.resize(static_cast<size_t>(write_json(text.data(), value) - text.data()));
    CHECK(text.size() <= max_json_bytes(value));
    CHECK(text == to_json(value));
  };
  check(call);
  check(Call{});
  check(std::vector<Leg>());
  check(Leg{});
  check(Nothing{});
  CHECK(to_json(Nothing{}) == "{}");
  std::string after = "text";
  append_json(after, Leg{"a"});
  append_json(after, int8_t{-128});
  CHECK(after == R"(text{"id":"a"}-128)");
}

TEST_CASE("a struct's schema follows from its members") {
  CHECK(json(json_schema<Call>()) == json(R"({"type":"object",
                 "required":["state","cause","number","offset","held","began","legs","user","first","free"],
                 "properties":{
                   "state":{"enum":["ringing","up"]},
                   "cause":{"anyOf":[{"enum":["ringing","up"]},{"type":"string"}]},
                   "number":{"type":"integer","minimum":1},
                   "offset":{"type":"integer"},
                   "held":{"type":"boolean"},
                   "began":{"type":"string","format":"date-time"},
                   "legs":{"type":"array","items":{"type":"object","required":["id"],"properties":{"id":{"type":"string"}}}},
                   "user":{"type":["string","null"]},
                   "first":{"oneOf":[{"type":"object","required":["id"],"properties":{"id":{"type":"string"}}},{"type":"null"}]},
                   "tags":{"type":"array","items":{"type":"string"}},
                   "recorded":{"type":"boolean"},
                   "free":{"type":"object"}}})"));
}

TEST_CASE("a struct that is made of another one has its members, too") {
  CHECK(to_json(Longer{{"a"}, 2}) == R"({"id":"a","more":2})");
  CHECK(json(json_schema<Longer>())["required"] == json(R"(["id","more"])"));
}

TEST_CASE("a name that is listed twice is noticed by the compiler") {
  static_assert(described::has_each_name_once<Call>());
  static_assert(!described::has_each_name_once<Twice>());
}

TEST_CASE("a repeated key is found in any depth") {
  CHECK(test::repeated_key(json(R"({"a":[{"b":1,"c":{"b":2}}],"b":3})")).empty());
  CHECK(test::repeated_key(json(R"({"a":[{"b":1,"b":1}]})")) == "b");
}
