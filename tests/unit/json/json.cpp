#include "json/json.h"

#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using aribus::test::json;

namespace {

std::string nested_arrays(int levels) {
  return std::string(static_cast<size_t>(levels), '[') + std::string(static_cast<size_t>(levels), ']');
}

std::string why_not(std::string_view text) {
  const auto parsed = parse_json(text);
  if (parsed) return "it is JSON";
  CHECK(parsed.error().kind == ErrorKind::malformed);
  return parsed.error().message;
}

}  // namespace

TEST_CASE("JSON may be nested 64 levels deep and no deeper") {
  CHECK(parse_json(nested_arrays(max_json_depth)).ok());
  CHECK_THAT(why_not(nested_arrays(max_json_depth + 1)), ContainsSubstring("deeper than 64 levels"));
  // The limit stops the reader before it uses up the stack.
  CHECK_THAT(why_not(std::string(5'000'000, '[')), ContainsSubstring("deeper than 64 levels"));
  std::string objects;
  for (int i = 0; i < max_json_depth + 1; ++i) objects += R"({"a":)";
  CHECK_THAT(why_not(objects), ContainsSubstring("deeper than 64 levels"));
}

TEST_CASE("an error of JSON says where it is") {
  CHECK_THAT(why_not(R"({"a":1,})"), ContainsSubstring("(at byte 7)"));
  CHECK_THAT(why_not("[1,2"), ContainsSubstring("(at byte 4)"));
  CHECK_THAT(why_not(""), ContainsSubstring("(at byte 0)"));
  CHECK_THAT(why_not("{} x"), ContainsSubstring("(at byte 3)"));
}

TEST_CASE("a JSON text ends where the text ends") {
  CHECK_FALSE(parse_json("{}{}").ok());
  CHECK_FALSE(parse_json(std::string_view("{}\0garbage", 10)).ok());
  CHECK_FALSE(parse_json(std::string_view("{}\0", 3)).ok());
  CHECK_FALSE(parse_json(std::string_view("[1\0]", 4)).ok());
}

TEST_CASE("bytes that are no UTF-8 are no JSON") {
  CHECK_FALSE(parse_json("\"\xFF\"").ok());
  CHECK_FALSE(parse_json("\"\xC3\"").ok());              // cut
  CHECK_FALSE(parse_json("\"\xC0\xAF\"").ok());          // overlong
  CHECK_FALSE(parse_json("\"\xED\xA0\x80\"").ok());      // a surrogate
  CHECK_FALSE(parse_json("{\"\xFF\":1}").ok());          // in a name
  CHECK_FALSE(parse_json("\"\xF4\x90\x80\x80\"").ok());  // above U+10FFFF
  CHECK(as_view(json("\"\xF0\x9F\x93\x9E\"")) == "\xF0\x9F\x93\x9E");
}

TEST_CASE("escaped surrogates make a character in pairs and are refused alone") {
  CHECK(as_view(json(R"("\ud83d\udcde")")) == "\xF0\x9F\x93\x9E");
  CHECK_FALSE(parse_json(R"("\ud83d")").ok());
  CHECK_FALSE(parse_json(R"("\ud83dx")").ok());
  CHECK_FALSE(parse_json(R"("\ud83d\u0041")").ok());
  CHECK_FALSE(parse_json(R"("\udcde")").ok());
}

TEST_CASE("an escaped NUL is part of its string") {
  const Json value = json(R"({"a\u0000b":"c\u0000d"})");
  CHECK(find_string(value, std::string_view("a\0b", 3)) == std::string_view("c\0d", 3));
  CHECK(to_text(value) == R"({"a\u0000b":"c\u0000d"})");
}

TEST_CASE("members are found by name in objects only") {
  const Json value = json(R"({"a":"x","n":1})");
  CHECK(find(value, "a") != nullptr);
  CHECK(find(value, "b") == nullptr);
  CHECK(find(value, {}) == nullptr);
  CHECK(find(json(R"({"":1})"), {}) != nullptr);
  CHECK(find(json("[1]"), "a") == nullptr);
  CHECK(find(json("null"), "a") == nullptr);
  CHECK(find_string(value, "a", "else") == "x");
  CHECK(find_string(value, "n", "else") == "else");
  CHECK(find_string(value, "b", "else") == "else");
}

TEST_CASE("setting a member replaces the one that is there") {
  Json object = json(R"({"a":1,"b":2})");
  set_member(object, "a", "x");
  set_member(object, "c", json("[true]"));
  CHECK(object.MemberCount() == 3);
  CHECK(find_string(object, "a") == "x");
  CHECK(to_text(*find(object, "c")) == "[true]");
  CHECK(to_text(*find(object, "b")) == "2");
}

TEST_CASE("a member that was set has memory of its own") {
  Json object(rapidjson::kObjectType);
  {
    std::string name = "a name that is too long for the small string";
    std::string text = "a text that is too long for the small string";
    set_member(object, name, text);
    const Json value = json(R"(["another text that is too long for the small string"])");
    set_member(object, "list", value);
    name.assign(name.size(), '-');
    text.assign(text.size(), '-');
  }
  CHECK(to_text(object) ==
        R"({"a name that is too long for the small string":"a text that is too long for the small string",)"
        R"("list":["another text that is too long for the small string"]})");
}

TEST_CASE("a copy outlives what it was copied from") {
  Json copy;
  {
    const Json original =
        json(R"({"a":["a text that is too long for the small string",{"b":null}],"c":1.5})");
    copy = copy_of(*find(original, "a"));
  }
  CHECK(to_text(copy) == R"(["a text that is too long for the small string",{"b":null}])");
}

TEST_CASE("values know what JSON calls their type") {
  CHECK(type_name(json("\"\"")) == "string");
  CHECK(type_name(json("1")) == "integer");
  CHECK(type_name(json("-9223372036854775808")) == "integer");
  CHECK(type_name(json("18446744073709551615")) == "integer");
  CHECK(type_name(json("1.5")) == "number");
  CHECK(type_name(json("true")) == "boolean");
  CHECK(type_name(json("{}")) == "object");
  CHECK(type_name(json("[]")) == "array");
  CHECK(type_name(json("null")) == "null");
}

TEST_CASE("what is written is escaped, what is written raw is not") {
  const std::string text = render([](JsonWriter& writer) {
    writer.StartObject();
    write_member(writer, "a\"b", "line\nend\x01");
    write_key(writer, "raw");
    write_raw(writer, "[1, 2]");
    writer.EndObject();
  });
  CHECK(text == "{\"a\\\"b\":\"line\\nend\\u0001\",\"raw\":[1, 2]}");
}

TEST_CASE("a number is read to the last digit") {
  CHECK(to_text(*parse_json("0.1234567890123456789")) == "0.12345678901234568");
  CHECK(to_text(*parse_json("7.0420557077594588669468784357561207962098443483187940792729600000e+59")) ==
        "7.042055707759459e59");
}

TEST_CASE("numbers are as precise as they are written, and zero is zero") {
  const std::pair<const char*, double> table[] = {
      {"0e-200", 0},
      {"0.000e-30", 0},
      {"-0e-200", 0},
      {"0e-2000", 0},
      {"1e-400", 0},
      {"0.1", 0.1},
      {"1e22", 1e22},
      {"-2.5", -2.5},
      {"5e-324", 5e-324},
      {"-0", 0},
      {"123456789012345678901", 123456789012345678901.0},
  };
  for (const auto& [text, value] : table) {
    INFO(text);
    const Result<Json> json = parse_json(text);
    REQUIRE(json.ok());
    REQUIRE(json->IsNumber());
    CHECK(json->GetDouble() == value);
  }
  CHECK(parse_json("7")->IsInt());
  CHECK(parse_json("2147483648")->IsUint());
  CHECK(parse_json("-9223372036854775808")->IsInt64());
  CHECK(parse_json("18446744073709551615")->IsUint64());
  CHECK(parse_json("18446744073709551616")->IsDouble());
  CHECK_FALSE(parse_json("1e400").ok());
  CHECK_FALSE(parse_json("-1e999999999999").ok());
}
