// JSON built member by member, for documents that are mostly constant.
#pragma once

#include <cstdint>
#include <ranges>
#include <string>
#include <string_view>
#include <vector>

#include "json/json.h"

namespace aribus {

// The text of an object. Members keep the order in which they were added.
class ObjectBuilder {
 public:
  // A member that is a string.
  ObjectBuilder& text(std::string_view name, std::string_view value);
  ObjectBuilder& integer(std::string_view name, int64_t value);
  ObjectBuilder& boolean(std::string_view name, bool value);
  // A member that is the JSON text `value`.
  ObjectBuilder& json(std::string_view name, std::string_view value);

  [[nodiscard]] std::string str() const { return "{" + members_ + "}"; }

 private:
  std::string members_;
};

// `value` as a JSON string.
[[nodiscard]] std::string string_text(std::string_view value);

// An array of JSON texts.
template <std::ranges::input_range Texts>
[[nodiscard]] std::string array_text(const Texts& texts) {
  std::string out = "[";
  for (const auto& text : texts) {
    if (out.size() > 1) out += ',';
    out += text;
  }
  return out + "]";
}

// An array of strings.
template <std::ranges::input_range Strings>
[[nodiscard]] std::string strings_text(const Strings& strings) {
  std::vector<std::string> texts;
  for (const auto& value : strings) texts.push_back(string_text(value));
  return array_text(texts);
}

}  // namespace aribus
