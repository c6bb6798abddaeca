// What a peer may answer instead of what is expected.
#pragma once

#include <cstdint>
#include <iterator>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>

#include "json/json.h"
#include "tests/support/terminal.h"

namespace aribus::test {

// `text` with poison_in_json in place of each P.
inline std::string poisoned(std::string text) {
  for (size_t at = 0; (at = text.find('P', at)) != std::string::npos; at += poison_in_json.size()) {
    text.replace(at, 1, poison_in_json);
  }
  return text;
}

// Changes JSON texts at random, the same way with the same seed.
class Mutations {
 public:
  explicit Mutations(uint32_t seed) : random_(seed) {}

  size_t below(size_t count) { return std::uniform_int_distribution<size_t>(0, count - 1)(random_); }

  // `text`, poisoned, with one or a few of its values changed or taken away.
  std::string of(const std::string& text) {
    Json json = parsed(text);
    for (size_t changes = 1 + below(3); changes > 0; --changes) change(json, json.GetAllocator());
    return to_text(json);
  }

  // `text`, poisoned, with wrong bytes: mostly no JSON.
  std::string of_bytes(const std::string& given) {
    std::string text = poisoned(given);
    switch (below(4)) {
      case 0:
        return text.substr(0, below(text.size()));
      case 1:
        text[below(text.size())] = static_cast<char>(below(256));
        return text;
      case 2:
        return text.insert(below(text.size()), "\xFF\xFE\x1b[2J");
      default:
        return std::string(100, '[') + text;
    }
  }

 private:
  using Allocator = Json::AllocatorType;
  static constexpr std::string_view others[] = {"null",
                                                "true",
                                                "0",
                                                "1",
                                                "-1",
                                                "18446744073709551615",
                                                "-9223372036854775808",
                                                "1e308",
                                                "0.5",
                                                R"("")",
                                                R"("P")",
                                                "[]",
                                                "{}",
                                                "[1]",
                                                "[null]",
                                                R"([{"id":1}])",
                                                R"({"name":1,"id":"c1","dialplan":{}})",
                                                "[[[[[[[[1]]]]]]]]",
                                                R"({"a":{"b":{"c":[]}}})",
                                                R"("2026-11-22T21:46:07.000Z")"};

  static Json parsed(const std::string& text) {
    Result<Json> json = parse_json(poisoned(text));
    if (!json) throw std::runtime_error(json.error().message + ": " + text);
    return std::move(*json);
  }

  void change(JsonValue& value, Allocator& allocator) {
    const size_t inner = value.IsObject() ? value.MemberCount() : value.IsArray() ? value.Size() : 0;
    if (inner == 0 || below(4) == 0) {
      value.CopyFrom(parsed(std::string(others[below(std::size(others))])), allocator);
    } else if (value.IsArray()) {
      change(value[static_cast<rapidjson::SizeType>(below(inner))], allocator);
    } else if (const auto member = value.MemberBegin() + static_cast<std::ptrdiff_t>(below(inner));
               below(6) == 0) {
      value.RemoveMember(member);
    } else {
      change(member->value, allocator);
    }
  }

  std::minstd_rand random_;
};

}  // namespace aribus::test
