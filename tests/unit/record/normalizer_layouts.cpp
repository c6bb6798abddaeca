// An event may have its members in any order, and members that ARI does not declare: its record says the
// same.
#include <algorithm>
#include <random>
#include <set>
#include <vector>

#include "json/find_member.h"
#include "record/event_reader.h"
#include "tests/catch.h"
#include "tests/unit/helpers.h"
#include "tests/unit/record/recorded.h"

using namespace aribus;
using namespace aribus::record;
using aribus::test::recorded_at;
using aribus::test::recorded_events;

namespace {

constexpr std::string_view mark = "x_";  // what the names of undeclared members begin with

// Lays out events anew.
class Layouts {
 public:
  explicit Layouts(unsigned seed) : random_(seed) {}

  size_t below(size_t bound) { return random_() % bound; }

  // `value` with the members of all objects in another order; in some, there are members that ARI does not
  // declare.
  std::string other(const JsonValue& value) {
    if (value.IsArray()) {
      std::vector<std::string> items;
      for (const JsonValue& item : value.GetArray()) items.push_back(other(item));
      return "[" + joined(items) + "]";
    }
    if (!value.IsObject()) return to_text(value);
    std::vector<std::string> members;
    for (const auto& [name, inner] : value.GetObject()) members.push_back(to_text(name) + ":" + other(inner));
    while (below(3) == 0) members.push_back(undeclared());
    std::ranges::shuffle(members, random_);
    return "{" + joined(members) + "}";
  }

  // The text of a string.
  std::string string(size_t max_size) {
    static constexpr std::string_view pieces[] = {"a",
                                                  "B",
                                                  "7",
                                                  "_",
                                                  " ",
                                                  "é",
                                                  "€",
                                                  "😀",
                                                  "{",
                                                  "}",
                                                  "[",
                                                  "]",
                                                  ",",
                                                  ":",
                                                  R"(\")",
                                                  R"(\\)",
                                                  R"(\/)",
                                                  R"(\n)",
                                                  R"(\u00e9)",
                                                  R"(\ud83d\ude00)",
                                                  "an ordinary piece of text"};
    std::string text;
    const size_t size = below(max_size + 1);
    const size_t kinds = below(2) == 0 ? 4 : std::size(pieces);  // plain letters, or anything
    while (text.size() < size) text += pieces[below(kinds)];
    return text;
  }

 private:
  static std::string joined(const std::vector<std::string>& parts) {
    std::string text;
    for (const std::string& part : parts) text += (text.empty() ? "" : ",") + part;
    return text;
  }

  std::string undeclared() {
    return "\"" + std::string(mark) + std::to_string(++count_) + string(40) + "\":" + any(3);
  }

  std::string any(int depth) {
    static constexpr std::string_view scalars[] = {"true", "false", "0",     "-1",
                                                   "16",   "1.5",   "-2e-3", "123456789012345678"};
    switch (below(depth == 0 ? 3 : 6)) {
      case 0:
        return std::string(scalars[below(std::size(scalars))]);
      case 3: {
        std::vector<std::string> items(below(4));
        for (std::string& item : items) item = any(depth - 1);
        return "[" + joined(items) + "]";
      }
      case 4: {
        std::vector<std::string> members(below(4));
        for (size_t i = 0; i < members.size(); ++i) {
          members[i] = "\"" + std::to_string(i) + string(20) + "\":" + any(depth - 1);
        }
        return "{" + joined(members) + "}";
      }
      default:
        return "\"" + string(70) + "\"";
    }
  }

  std::mt19937 random_;
  size_t count_ = 0;
};

bool is_undeclared(std::string_view name) {
  return name.starts_with(mark);
}

void erase_undeclared(JsonValue& value) {
  if (value.IsArray()) {
    for (JsonValue& item : value.GetArray()) erase_undeclared(item);
  }
  if (!value.IsObject()) return;
  for (auto at = value.MemberBegin(); at != value.MemberEnd();) {
    erase_undeclared(at->value);
    at = is_undeclared(as_view(at->name)) ? value.EraseMember(at) : at + 1;
  }
}

// What a record says, whatever the order.
struct Said {
  Json fields;
  std::set<std::pair<IdKind, std::string>> ids;
  std::string envelope;
};
Said said_by(const Record& record) {
  Said said;
  said.fields = copy_of(*parse_own_json(record.fields.empty() ? "{}" : "{" + record.fields.substr(1) + "}"));
  erase_undeclared(said.fields);
  for (size_t i = 0; i < record.ids.size(); ++i)
    said.ids.emplace(record.ids[i].kind, std::string(record.ids[i].text));
  said.envelope = to_rfc3339(record.time) + " " + record.app + " " + record.type;
  return said;
}

std::vector<std::string_view> names_in(std::string_view object) {
  std::vector<std::string_view> names;
  each_member_of(object, [&](std::string_view name, std::string_view) {
    if (name != "type" && name != "timestamp" && name != "application" && name != "cause_txt")
      names.push_back(name);
    return true;
  });
  return names;
}

}  // namespace

TEST_CASE("an event's members may have any order, and there may be others that ARI does not declare") {
  const char* const file = GENERATE("events-22.jsonl", "events-16.jsonl");
  EventReader reader(recorded_at);
  Layouts layouts(20261127);
  Record record;
  for (const std::string& event : recorded_events(file)) {
    reader.read(event, event.size(), "pbx1", record);
    const Said expected = said_by(record);
    const std::string text = layouts.other(*parse_json(event));
    EventReader fresh(recorded_at);
    fresh.read(text, text.size(), "pbx1", record);
    const Said said = said_by(record);
    INFO(text);
    REQUIRE(said.envelope == expected.envelope);
    REQUIRE(said.ids == expected.ids);
    REQUIRE(said.fields == expected.fields);
    // In the order of the event, and what is not declared just as it came.
    const std::string object = "{" + record.fields.substr(1) + "}";
    REQUIRE(names_in(object) == names_in(text));
    each_member_of(text, [&](std::string_view name, std::string_view value) {
      if (is_undeclared(name)) REQUIRE(find_member(object, name) == value);
      return true;
    });
  }
}

TEST_CASE("a string of any size and with any escapes is what it was, wherever it is") {
  EventReader reader(recorded_at);
  Layouts layouts(20261128);
  Record record;
  for (int i = 0; i < 20'000; ++i) {
    const std::string value = "\"" + layouts.string(150) + "\"", name = "\"x" + layouts.string(60) + "\"";
    const std::string text =
        R"({"variable":)" + value + "," + name + R"(:5,"value":)" + value +
        R"(,"type":"ChannelVarset","timestamp":"2026-11-22T21:46:17.690+0000","application":"demo"})";
    reader.read(text, text.size(), "pbx1", record);
    INFO(text);
    REQUIRE(record.fields == R"(,"variable":)" + value + "," + name + R"(:5,"value":)" + value);
  }
}
