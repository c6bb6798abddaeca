#include "json/json_tape.h"

#include <fstream>
#include <random>

#include <simdjson.h>

#include "base/utf8.h"
#include "json/json.h"
#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;

namespace {

// The value as compact JSON, put together from the tape.
std::string rebuilt(JsonView value) {
  if (value.kind() != JsonKind::object && value.kind() != JsonKind::array) return std::string(value.text());
  const bool object = value.kind() == JsonKind::object;
  std::string out;
  for (const auto& child : value.children()) {
    out += out.empty() ? "" : ",";
    if (object) out += std::string(child.name().text()) + ":";
    out += rebuilt(child.value());
  }
  return (object ? '{' : '[') + out + (object ? '}' : ']');
}

// The tape takes `text` when RapidJSON does, and holds the same.
void check_against_rapidjson(JsonTape& tape, const std::string& text) {
  const JsonView value = tape.read(text);
  const Result<Json> json = parse_json(text);
  INFO(to_valid_utf8(text, 2000));
  REQUIRE(value.valid() == json.ok());
  if (!value.valid()) return;
  REQUIRE(rebuilt(value) == value.text());
  const Result<Json> again = parse_json(value.text());
  REQUIRE(again.ok());
  REQUIRE(to_text(*again) == to_text(*json));
}

std::vector<std::string> recorded_events() {
  std::vector<std::string> events;
  std::ifstream stream(std::string(ARIBUS_SOURCE_DIR) + "/tests/data/events-22.jsonl");
  for (std::string line; std::getline(stream, line);) events.push_back(line);
  return events;
}

// Texts that are JSON, or nearly.
class RandomTexts {
 public:
  explicit RandomTexts(unsigned seed) : random_(seed) { REQUIRE_FALSE(events_.empty()); }

  // A part of a recorded event, some bytes of which have changed.
  std::string changed_event() {
    static constexpr std::string_view bytes = "{}[]:,\"\\ \n\t0123456789.eE+-truefalsn/u\xC3\xA9\xFF\x01";
    std::string text = events_[below(events_.size())].substr(0, 200 + below(400));
    for (size_t changes = below(4); changes > 0; --changes) {
      const size_t at = below(text.size());
      switch (below(3)) {
        case 0:
          text[at] = bytes[below(bytes.size())];
          break;
        case 1:
          text.insert(at, 1, bytes[below(bytes.size())]);
          break;
        default:
          text.erase(at, 1 + below(3));
      }
    }
    return text;
  }

  // A short text of little else than structure.
  std::string structure() {
    static constexpr std::string_view pieces[] = {"{",     "}", "[",    "]", ":",       ",",
                                                  "\"a\"", "1", "true", " ", "\"\\n\"", "null"};
    std::string text;
    for (size_t length = 1 + below(10); length > 0; --length) text += pieces[below(std::size(pieces))];
    return text;
  }

 private:
  size_t below(size_t bound) { return random_() % bound; }

  std::vector<std::string> events_ = recorded_events();
  std::mt19937 random_;
};

// While it lives, simdjson uses the given implementation for what it begins.
class UsedImplementation {
 public:
  explicit UsedImplementation(const simdjson::implementation* implementation)
      : before_(simdjson::get_active_implementation()) {
    simdjson::get_active_implementation() = implementation;
  }
  ~UsedImplementation() { simdjson::get_active_implementation() = before_; }
  UsedImplementation(const UsedImplementation&) = delete;
  UsedImplementation& operator=(const UsedImplementation&) = delete;

 private:
  const simdjson::implementation* before_;
};

}  // namespace

TEST_CASE("a tape knows each value's kind and bytes") {
  JsonTape tape;
  const JsonView value = tape.read(R"({"a":[1,-2.5e3,true,false,null,"x\ny"],"b":{},"c":[]})");
  REQUIRE(value.valid());
  CHECK(value.kind() == JsonKind::object);
  std::vector<std::string_view> texts;
  std::vector<std::string_view> kinds;
  for (const auto& item : value.find("a").children()) {
    texts.push_back(item.value().text());
    kinds.push_back(kind_name(item.value().kind()));
  }
  CHECK(texts == std::vector<std::string_view>{"1", "-2.5e3", "true", "false", "null", R"("x\ny")"});
  CHECK(kinds == std::vector<std::string_view>{"number", "number", "boolean", "boolean", "null", "string"});
  CHECK(value.find("b").text() == "{}");
  CHECK(value.find("c").text() == "[]");
  CHECK_FALSE(value.find("d").valid());
}

TEST_CASE("strings are decoded when asked for") {
  JsonTape tape;
  const JsonView value = tape.read(R"(["plain","\"\\\/\b\f\n\r\t","\u00e9\u20ac\ud83d\ude00","é"])");
  std::vector<std::string> strings;
  for (const auto& item : value.children()) strings.push_back(item.value().string());
  CHECK(strings == std::vector<std::string>{"plain", "\"\\/\b\f\n\r\t", "é€😀", "é"});
}

TEST_CASE("white space between the tokens is left out") {
  JsonTape tape;
  CHECK(tape.read(" { \"a b\" :\t[ 1 ,\r\n2 ] , \"c\" : \" x \" }\n").text() == R"({"a b":[1,2],"c":" x "})");
  CHECK(tape.read(" 7 ").text() == "7");
  CHECK(tape.read("[1,2] ").text() == "[1,2]");
  CHECK(tape.read("\n\"x\"").text() == "\"x\"");
}

TEST_CASE("an integer fits into 64 bits") {
  JsonTape tape;
  for (const char* text : {"0", "-1", "9223372036854775807", "-9223372036854775808"}) {
    INFO(text);
    CHECK(tape.read(text).is_integer());
  }
  for (const char* text : {"9223372036854775808", "1.0", "1e2", "\"1\"", "true"}) {
    INFO(text);
    CHECK_FALSE(tape.read(text).is_integer());
  }
}

TEST_CASE("what is no JSON is not read") {
  JsonTape tape;
  for (const std::string_view text : {"",
                                      " ",
                                      "{",
                                      "}",
                                      "[",
                                      "]",
                                      "{]",
                                      "[}",
                                      "[1,]",
                                      "[,1]",
                                      "[1 2]",
                                      "{\"a\"}",
                                      "{\"a\":}",
                                      "{\"a\":1,}",
                                      "{1:2}",
                                      "{\"a\" 1}",
                                      "{\"a\":1 \"b\":2}",
                                      "\"",
                                      "\"a",
                                      "a\"",
                                      "tru",
                                      "truee",
                                      "nul",
                                      "True",
                                      "01",
                                      "-",
                                      "+1",
                                      "1.",
                                      ".5",
                                      "1e",
                                      "0x1",
                                      "1 2",
                                      "[1]2",
                                      "[]]",
                                      "\"\\x\"",
                                      "\"\\u12g4\"",
                                      "\"\\u123\"",
                                      "\"\\ud800\"",
                                      "\"\\udc00\"",
                                      "\"\\ud800\\u0041\"",
                                      "\"\n\"",
                                      "\"\x01\"",
                                      "\"\xFF\"",
                                      "\"\xC0\x80\"",
                                      "\"\xED\xA0\x80\"",
                                      "\xEF\xBB\xBF",
                                      "\x01",
                                      "1\x01",
                                      "[1\x02]"}) {
    INFO(to_valid_utf8(text, 100));
    CHECK_FALSE(tape.read(text).valid());
  }
  CHECK_FALSE(tape.read(std::string_view("\0", 1)).valid());
  CHECK_FALSE(tape.read(std::string_view("1\0", 2)).valid());
  CHECK_FALSE(tape.read(std::string_view("{}\0{}", 5)).valid());
  CHECK(tape.read("[1]").valid());  // and none of that stays
}

TEST_CASE("nesting is bounded") {
  JsonTape tape;
  const auto nested = [](int depth) {
    return std::string(static_cast<size_t>(depth), '[') + std::string(static_cast<size_t>(depth), ']');
  };
  CHECK(tape.read(nested(max_json_depth)).valid());
  CHECK_FALSE(tape.read(nested(max_json_depth + 1)).valid());
  CHECK(tape.read(nested(max_line_depth), max_line_depth).valid());
  CHECK_FALSE(tape.read(nested(max_line_depth + 1), max_line_depth).valid());
}

TEST_CASE("a number that has no place in a double is refused by all") {
  JsonTape tape;
  const auto digits = [](size_t count, char digit) { return std::string(count, digit); };
  const std::string tiny = "0." + digits(400, '0') + "1";
  for (const std::string& number :
       {std::string("1e308"), std::string("-1.7976931348623157e308"), digits(308, '9'), std::string("1e-400"),
        tiny, tiny + "e308", "0." + digits(400, '3'), std::string("1e0000000000001"), std::string("1e+99"),
        std::string("1E-0"), std::string("1e-99999999999999999999"), digits(300, '9') + "e-99"}) {
    INFO(number);
    CHECK(tape.read(number).valid());
    CHECK(parse_json(number).ok());
  }
  for (const std::string& number :
       {std::string("1e309"), std::string("-1e400"), std::string("1.7976931348623159e308"), digits(400, '9'),
        std::string("1e00000309"), std::string("1E+309"), tiny + "e999", "1" + digits(400, '0') + "e-20",
        digits(300, '9') + ".5e10", "0." + digits(300, '3') + "e310", std::string("1e99999999999999999999"),
        std::string("0e400"), "-1" + digits(308, '0')}) {
    INFO(number);
    CHECK_FALSE(tape.read(number).valid());
    CHECK_FALSE(tape.read("[1," + number + "]").valid());
    CHECK_THAT(parse_json(number).error().message, ContainsSubstring("out of the range of a double"));
  }
}

TEST_CASE("the tape and RapidJSON agree on every number") {
  std::mt19937 random(20261126);
  const auto below = [&](size_t bound) { return random() % bound; };
  const auto digits = [&](size_t count) {
    std::string made;
    for (; count > 0; --count) made += "0123456789"[below(3) == 0 ? below(10) : 9 * below(2)];
    return made;
  };
  JsonTape tape;
  for (int round = 0; round < 30'000; ++round) {
    const size_t length = below(4) == 0 ? 290 + below(40) : 1 + below(25);
    std::string number = below(3) == 0 ? "0" : "1" + digits(length - 1);
    if (below(2) == 0) number += "." + digits(below(4) == 0 ? 290 + below(40) : 1 + below(25));
    const std::string mantissa = below(2) == 0 ? "-" + number : number;
    const size_t exponent = below(3) == 0 ? below(400) : 290 + below(40);
    number = mantissa;
    if (below(3) != 0) number += std::string(below(2) == 0 ? "e" : "E-") + std::to_string(exponent);
    INFO(number);
    REQUIRE(tape.read(number).valid() == parse_json(number).ok());
  }
}

TEST_CASE("the tape and RapidJSON agree on what real events become when bytes of them change") {
  RandomTexts texts(20261123);
  JsonTape tape;
  for (int round = 0; round < 20'000; ++round) check_against_rapidjson(tape, texts.changed_event());
  for (int round = 0; round < 100'000; ++round) check_against_rapidjson(tape, texts.structure());
}

// The one in use depends on the processor: on arm64, and on old and new x86-64, it is another.
TEST_CASE("the tape is the same with each implementation of simdjson that this processor can run") {
  const auto read = [](JsonTape& tape, const std::string& text) {
    const JsonView value = tape.read(text);
    return value.valid() ? rebuilt(value) : "not valid";
  };
  size_t others = 0;
  for (const auto* const implementation : simdjson::get_available_implementations()) {
    if (!implementation->supported_by_runtime_system()) continue;
    if (implementation->name() == simdjson::get_active_implementation()->name()) continue;
    ++others;
    CAPTURE(implementation->name());
    RandomTexts texts(20261127);
    JsonTape tape;
    JsonTape other_tape;
    for (int round = 0; round < 20'000; ++round) {
      const std::string text = round % 4 == 0 ? texts.changed_event() : texts.structure();
      const std::string value = read(tape, text);
      const UsedImplementation used(implementation);
      const std::string other_value = read(other_tape, text);
      INFO(to_valid_utf8(text, 2000));
      REQUIRE(other_value == value);
    }
  }
#ifdef __x86_64__
  CHECK(others > 0);  // elsewhere there may be one alone
#endif
}

TEST_CASE("memory for a huge text is given back") {
  JsonTape tape;
  CHECK(tape.read("[\"" + std::string(8 << 20, 'x') + "\"]").valid());
  CHECK(tape.read("[1]").text() == "[1]");
  CHECK(tape.read("[2]").text() == "[2]");
}
