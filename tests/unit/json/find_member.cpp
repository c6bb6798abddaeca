// A member found in the text is the one that the tape finds.
#include "json/find_member.h"

#include <fstream>

#include "json/json_tape.h"
#include "tests/catch.h"

using namespace aribus;

namespace {

// In `value` and all objects in it, each name finds what the tape finds.
void check_all(JsonView value) {
  std::string buffer;
  if (value.kind() == JsonKind::object) {
    for (const char* absent : {"", "absent", "{", "\""}) {
      const JsonView found = value.find(absent);
      REQUIRE(find_member(value.text(), absent) == (found.valid() ? found.text() : ""));
    }
  }
  for (const auto& child : value.children()) {
    if (value.kind() == JsonKind::object && !child.name().has_escapes()) {
      const std::string_view name = child.name().raw();
      // In memory of its own, so that a sanitizer sees who reads beyond it.
      const std::string text(value.text());
      REQUIRE(find_member(text, name) == value.find(name).text());
      REQUIRE(find_string_member(text, name, buffer) == value.string_at(name));
    }
    check_all(child.value());
  }
}

}  // namespace

TEST_CASE("every member of every object is found") {
  JsonTape tape;
  for (const char* file : {"events-22.jsonl", "events-16.jsonl"}) {
    std::ifstream events(std::string(ARIBUS_SOURCE_DIR) + "/tests/data/" + file);
    for (std::string line; std::getline(events, line);) check_all(tape.read(line));
  }
  for (const char* text :
       {"{}", R"({"a":{}})", R"({"a":[]})", R"({"a":[{"b":1}],"b":"x"})", R"({"a":1,"a":2})",
        R"({"":"","x":null})", R"({"a\"b":1,"b":"}\"{","c":"\\","d":"\u00e9\ud83d\ude00"})",
        R"({"a":{"id":"in"},"id":"out"})", R"({"x\",\"id\":\"":"no","id":"yes"})",
        R"({"a":"a text of more than sixteen bytes \" with a quote","b":-1.5e3})", R"([1,2])", R"("id")",
        "7"}) {
    INFO(text);
    check_all(tape.read(text));
  }
  CHECK(find_member(R"([{"id":"x"}])", "id").empty());
  CHECK(find_member("", "id").empty());
}

TEST_CASE("a text is found wherever it is in another one") {
  const std::string_view sought = R"("type":")";
  for (size_t before = 0; before < 40; ++before) {
    for (size_t behind = 0; behind < 40; ++behind) {
      for (size_t rare : {size_t{0}, sought.find('y'), sought.size() - 2}) {
        const std::string text = std::string(before, 'y') + std::string(sought) + std::string(behind, 'y');
        REQUIRE(find_text(text, sought, rare) == text.data() + before);
        REQUIRE(find_text(text.substr(0, before + sought.size() - 1), sought, rare) == nullptr);
        const std::string twice = text + std::string(sought);
        REQUIRE(find_text(twice, sought, rare) == twice.data() + before);
      }
    }
  }
  CHECK(find_text("", sought, 2) == nullptr);
}
