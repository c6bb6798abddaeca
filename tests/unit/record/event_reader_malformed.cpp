// Nothing is dropped for being odd.
#include <fstream>
#include <random>

#include "base/utf8.h"
#include "record/record.h"
#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::record;
using aribus::test::json;
using aribus::test::read_event;
using aribus::test::to_line;

namespace {

const WallTime malformed_at = *parse_time("2026-11-22T23:50:00.001Z");

// The record made of `text`, which must be Malformed.
Json malformed(std::string_view text, size_t total_bytes) {
  const Record record = read_event(text, total_bytes, "pbx1", malformed_at);
  CHECK(record.type == "Malformed");
  CHECK(record.time == malformed_at);
  CHECK(record.server == "pbx1");
  const Json line = json(to_line(record, 1));  // JSON in well-formed UTF-8, whatever came
  const Json params = copy_of(*find(line, "params"));
  REQUIRE(find(params, "bytes") != nullptr);
  CHECK(find(params, "bytes")->GetUint64() == total_bytes);
  return copy_of(params);
}
Json malformed(std::string_view text) {
  return malformed(text, text.size());
}

}  // namespace

TEST_CASE("text that is no JSON becomes a Malformed record that says why and keeps it") {
  const Json record = malformed("{\"type\":");
  CHECK_THAT(std::string(find_string(record, "invalid")),
             ContainsSubstring("no JSON") && ContainsSubstring("byte"));
  CHECK(find_string(record, "text") == "{\"type\":");
}

TEST_CASE("JSON that is no event becomes a Malformed record") {
  for (const char* text :
       {"[]", "5", "null", "\"x\"", "{}", R"({"type":5})", R"({"type":null})", R"([{"type":"A"}])"}) {
    INFO(text);
    const Json record = malformed(text);
    CHECK_THAT(std::string(find_string(record, "invalid")), ContainsSubstring("`type`"));
    CHECK(find_string(record, "text") == text);
  }
}

TEST_CASE("bytes that are no UTF-8 are replaced in the Malformed record") {
  const Json record = malformed("{\"type\":\"\xFF\xC3\"}");
  CHECK(find_string(record, "text") == "{\"type\":\"\xEF\xBF\xBD\xEF\xBF\xBD\"}");
  malformed("");
  malformed(std::string_view("\0\x01", 2));
}

TEST_CASE("an event is the whole text: what follows it is not overlooked") {
  malformed(std::string_view("{\"type\":\"Odd\"}\0{\"type\":\"StasisEnd\"}", 35));
  malformed(R"({"type":"Odd"}{"type":"StasisEnd"})");
}

TEST_CASE("a lone surrogate never gets out as broken UTF-8") {
  for (const char* text : {R"({"type":"Odd","x":"\udc00"})", R"({"type":"Odd","x":"\ud800"})"}) {
    const Record record = read_event(text, std::string_view(text).size(), "pbx1", malformed_at);
    INFO(to_line(record, 1));
    CHECK(parse_json(to_line(record, 1)).ok());
  }
}

TEST_CASE("whatever bytes come, one line of JSON goes out") {
  std::vector<std::string> events;
  std::ifstream stream(std::string(ARIBUS_SOURCE_DIR) + "/tests/data/events-22.jsonl");
  for (std::string line; std::getline(stream, line);) events.push_back(line);
  REQUIRE_FALSE(events.empty());
  std::mt19937 random(7);
  const auto below = [&](size_t bound) { return random() % bound; };
  static constexpr std::string_view pieces[] = {
      "null",        "\"",      "{",  "}", "[",    "]", ",",          ":",
      "\\",          "\\u0000", "\n", " ", "\xFF", "5", "\"seq\":1,", "\"cause\":16,",
      "\"x\":null,", "true"};
  for (int round = 0; round < 20'000; ++round) {
    std::string text = events[below(events.size())];
    for (size_t changes = 1 + below(3); changes > 0; --changes) {
      const size_t at = below(text.size());
      text.replace(at, below(4), pieces[below(std::size(pieces))]);
    }
    const std::string line = to_line(read_event(text, text.size(), "pbx1", malformed_at), 1);
    INFO(to_valid_utf8(text, 2000));
    REQUIRE(line.find('\n') == line.size() - 1);
    REQUIRE(parse_json(line).ok());
  }
}

TEST_CASE("a text has room for the longest escapes") {
  Record record;
  const std::string controls(1000, '\x01');
  record.server = controls;
  record.app = controls;
  record.type = controls;
  for (size_t kind = 0; kind < id_kinds; ++kind) record.ids.add(static_cast<IdKind>(kind), controls);
  const std::string text = test::record_text(record, UINT64_MAX);
  CHECK(text.size() <= max_text_bytes(record));
  CHECK(parse_json(text).ok());
}

TEST_CASE("of a long text that can't be read only the beginning is kept") {
  const Json record = malformed(std::string(100'000, 'x'));
  CHECK(find_string(record, "text") == std::string(max_malformed_bytes, 'x'));
}

TEST_CASE("a message that was cut is Malformed and tells its true size") {
  const Json record = malformed(R"({"type":"Odd"})", 5'000'000);
  CHECK_THAT(std::string(find_string(record, "invalid")), ContainsSubstring("limit of 14 bytes"));
}

TEST_CASE("nesting over the bound is Malformed") {
  std::string text = R"({"type":"Odd","x":)";
  for (int i = 0; i < 70; ++i) text += '[';
  for (int i = 0; i < 70; ++i) text += ']';
  malformed(text + "}");
}

// An event with a member `name` that makes it nested `levels` deep.
static std::string nested_event(const std::string& name, size_t levels) {
  return R"({"type":"Odd",")" + name + "\":" + std::string(levels - 1, '[') + std::string(levels - 1, ']') +
         "}";
}

TEST_CASE("the deepest event becomes a record that every reader takes") {
  JsonTape tape;
  Record again;
  for (const char* name : {"x", "seq", "fields", "channels"}) {
    const std::string text = nested_event(name, max_json_depth);
    const Record record = read_event(text, text.size(), "pbx1", malformed_at);
    CHECK(record.type == "Odd");
    const std::string line = to_line(record, 7);
    INFO(line);
    CHECK(parse_own_json(line).ok());
    CHECK(read_text(tape, test::record_text(record, 7), again) == 7);
    CHECK(to_line(again, 7) == line);
    const std::string deeper = nested_event(name, max_json_depth + 1);
    const Json told = malformed(deeper);
    CHECK_THAT(std::string(find_string(told, "invalid")), ContainsSubstring("deeper than 64 levels"));
  }
}

TEST_CASE("an event with a number that no double holds is Malformed, and says so") {
  for (const std::string& number : {std::string("1e400"), std::string("-1e400"), std::string(400, '9')}) {
    const Json record = malformed(R"({"type":"Odd","x":{"y":[)" + number + "]}}");
    CHECK_THAT(std::string(find_string(record, "invalid")),
               ContainsSubstring("out of the range of a double"));
  }
  const std::string text = R"({"type":"Odd","x":1e-400,"y":1e308})";
  CHECK(read_event(text, text.size(), "pbx1", malformed_at).type == "Odd");
}

TEST_CASE("an event whose type is too long to be one is malformed") {
  const auto of_size = [](size_t size) {
    const std::string text = R"({"type":")" + std::string(size, 'x') + R"(","n":1})";
    return read_event(text, text.size(), "pbx1", malformed_at);
  };
  CHECK(of_size(256).type == std::string(256, 'x'));
  for (const size_t size : {size_t{257}, size_t{500'000}}) {
    const Record record = of_size(size);
    CHECK(record.type == "Malformed");
    CHECK_THAT(record.fields, ContainsSubstring("256 bytes"));
    CHECK(record.fields.size() < 6000);
  }
}
