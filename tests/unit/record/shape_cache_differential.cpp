// What an event becomes depends on its text alone, not on which events came before: a reader that knows their
// shapes makes the same records as one that has seen nothing.
#include <algorithm>
#include <random>
#include <vector>

#include "base/utf8.h"
#include "record/event_reader.h"
#include "tests/catch.h"
#include "tests/unit/helpers.h"
#include "tests/unit/record/recorded.h"

using namespace aribus;
using namespace aribus::record;
using aribus::test::line_with_members;
using aribus::test::recorded_at;
using aribus::test::recorded_events;

namespace {

constexpr std::string_view odd_values[] = {
    "null",
    "true",
    "false",
    "0",
    "-0",
    "01",
    "-",
    "1.",
    "tru",
    "7",
    "-1",
    "16",
    "4294967312",
    "999999999999999999",
    "9223372036854775808",
    "1.5",
    "1e3",
    "1E-400",
    "1e308",
    "1e400",
    "-1e400",
    R"("")",
    R"("16")",
    R"("x")",
    R"("\u0041")",
    R"("\"")",
    R"("\\")",
    R"("\ud83d\ude00")",
    R"("\ud83d")",
    R"("\ude00\ud83d")",
    R"("\ud83d\u0041")",
    R"("\/\b\f\n\r\t")",
    R"("\")",
    R"("\u004")",
    R"("\u0000")",
    "\"\xC3\xA4\"",
    "\"\xF0\x9F\x98\x80\"",
    "\"\xC3\"",
    "\"\x01\"",
    R"("channel:1.2")",
    R"("channel:\u0031\ud83d\ude00")",
    R"("c\"1")",
    R"("2026-11-26\u005422:07:17.679+1300")",
    R"("bridge:b")",
    R"("2026-11-26T22:07:17.679+1300")",
    R"("2026-11-26T22:07:17Z")",
    R"("9999-12-31T23:59:59.999-1200")",
    R"("PJSIP/1")",
    "[]",
    "{}",
    "[[]]",
    R"(["x",1,null,{}])",
    R"({"id":"c9","name":"n","state":"Up"})",
    R"({"technology":"PJSIP","resource":"7"})",
    R"({"cause":16})",
    R"({"cause":16,"cause":17})",
    R"({"":0})",
};

constexpr std::string_view names[] = {
    R"("type")",        R"("timestamp")",   R"("application")", R"("seq")",      R"("channels")",
    R"("invalid")",     R"("fields")",      R"("known")",       R"("cause")",    R"("cause_txt")",
    R"("id")",          R"("channel")",     R"("bridge")",      R"("name")",     R"("")",
    R"("\u0074ype")",   R"("\u0063ause")",  R"("target_uri")",  R"("resource")", R"("technology")",
    R"("channel_ids")", R"("odd \" name")", R"("a\u0000b")",    "\"\xC3\xA4\"",  R"("creationtime")",
    R"("asterisk_id")", R"("duration_ms")", R"("peer")",        R"("digit")",    R"("value")",
    R"("protocol_id")"};

constexpr std::string_view spaces[] = {" ", "\n", "\t", "\r\n", "  "};

// A value of JSON, whose parts are texts: what is put in need be no JSON.
struct Value {
  std::string text;                                     // of what holds nothing
  std::vector<std::pair<std::string, Value>> children;  // with their names
  char open = 0;                                        // '{', '[' or 0

  explicit Value(std::string text) : text(std::move(text)) {}
  explicit Value(JsonView view) {
    if (view.kind() != JsonKind::object && view.kind() != JsonKind::array) {
      text = view.text();
      return;
    }
    const bool object = view.kind() == JsonKind::object;
    open = object ? '{' : '[';
    for (const auto& child : view.children()) {
      children.emplace_back(object ? child.name().text() : std::string_view(), Value(child.value()));
    }
  }

  void write(std::string& out) const {
    if (open == 0) {
      out += text;
      return;
    }
    out += open;
    for (size_t i = 0; i < children.size(); ++i) {
      if (i > 0) out += ',';
      if (open == '{') out += children[i].first + ':';
      children[i].second.write(out);
    }
    out += open == '{' ? '}' : ']';
  }
};

class Mutator {
 public:
  explicit Mutator(unsigned seed) : random_(seed) {}

  size_t below(size_t bound) { return random_() % bound; }

  // Changes something in `event`.
  void change(Value& event) {
    Value* around = &event;
    while (below(3) != 0) {  // deeper
      std::vector<Value*> inner;
      for (auto& child : around->children) {
        if (!child.second.children.empty()) inner.push_back(&child.second);
      }
      if (inner.empty()) break;
      around = inner[below(inner.size())];
    }
    if (around->children.empty()) return;
    change_child(*around, below(around->children.size()));
  }

  // Changes something in the text of an event.
  void change(std::string& text) {
    if (text.empty()) return;
    switch (below(12)) {
      case 0:
        text.resize(below(text.size()));
        break;
      case 1:
        text += spaces[below(std::size(spaces))];
        break;
      case 2: {
        const size_t at = text.find_first_of("{}[]:,", below(text.size()));
        if (at != std::string::npos) text.insert(at + below(2), spaces[below(std::size(spaces))]);
        break;
      }
      default:
        break;
    }
  }

 private:
  void change_child(Value& around, size_t at) {
    auto& children = around.children;
    auto& [name, value] = children[at];
    switch (below(10)) {
      case 0:
        children.erase(children.begin() + static_cast<ptrdiff_t>(at));
        break;
      case 1: {
        auto again = children[at];
        children.insert(children.begin() + static_cast<ptrdiff_t>(below(children.size() + 1)), again);
        break;
      }
      case 2:
        std::swap(children[at], children[below(children.size())]);
        break;
      case 3:
        std::ranges::shuffle(children, random_);
        break;
      case 4:
        name = names[below(std::size(names))];
        break;
      case 5:
        children.insert(children.begin() + static_cast<ptrdiff_t>(at),
                        {std::string(names[below(std::size(names))]),
                         Value(std::string(odd_values[below(std::size(odd_values))]))});
        break;
      case 6:
        nest(value);
        break;
      case 7:
        edit(value);
        break;
      default:
        value = Value(std::string(odd_values[below(std::size(odd_values))]));
    }
  }

  void nest(Value& value) {
    for (size_t levels = below(4) == 0 ? 58 + below(8) : 1 + below(2); levels > 0; --levels) {
      Value outer{std::string()};
      outer.open = below(2) == 0 ? '[' : '{';
      outer.children.emplace_back(outer.open == '{' ? R"("x")" : "", std::move(value));
      value = std::move(outer);
    }
  }

  // Another value of the same kind.
  void edit(Value& value) {
    std::string& text = value.text;
    if (text.size() < 2 || text.front() != '"') {
      if (!text.empty()) text = std::to_string(static_cast<int64_t>(random_()) - (int64_t{1} << 31));
      return;
    }
    static constexpr std::string_view pieces[] = {
        "x",       R"(\n)",    R"(\u00e4)",        "\xE2\x82\xAC", R"(\\")",
        R"(\u12)", "\x7F",     "0123456789abcdef", R"(\/)",        "\xED\xA0",
        R"(\")",   " ",        R"(\ud83d\ude00)",  R"(\ud83d)",    R"(\u)",
        "\\",      R"(\u0041)"};
    const std::string_view piece = pieces[below(std::size(pieces))];
    text.insert(1 + below(text.size() - 1),
                below(50) == 0 ? std::string(below(20'000), 'x') : std::string(piece));
  }

  std::mt19937 random_;
};

}  // namespace

TEST_CASE("changed events become the same records whatever was read before") {
  const char* const file = GENERATE("events-22.jsonl", "events-16.jsonl");
  const auto events = recorded_events(file);
  REQUIRE(events.size() > 1000);
  EventReader trained(recorded_at);
  for (int round = 0; round < 2; ++round) {
    for (const std::string& event : events) line_with_members(trained, event);
  }
  JsonTape tape, line_tape;
  Record again;
  Mutator mutator(20261126);
  for (int i = 0; i < 8'000; ++i) {
    Value event(tape.read(events[mutator.below(events.size())]));
    for (size_t changes = 1 + mutator.below(4); changes > 0; --changes) {
      mutator.change(event);  // what the one before became is known by now
      std::string text;
      event.write(text);
      mutator.change(text);
      EventReader fresh(recorded_at);
      const std::string expected = line_with_members(fresh, text);
      const std::string line = line_with_members(trained, text);
      if (line != expected) {
        INFO(to_valid_utf8(text, 8000));
        REQUIRE(to_valid_utf8(line, 16000) == to_valid_utf8(expected, 16000));
      }
      // And each of them can be read.
      const std::string_view alone = std::string_view(line).substr(0, line.find('\n') + 1);
      const size_t framing_bytes = test::framing.head.size() + test::framing.tail.size();
      const auto record_text = alone.substr(test::framing.head.size(), alone.size() - framing_bytes);
      if (!read_text(line_tape, record_text, again) || !parse_own_json(alone)) {
        INFO(to_valid_utf8(text, 8000));
        FAIL(to_valid_utf8(line, 16000));
      }
    }
  }
  CHECK(trained.shape_cache().steps() > 1000);
}
