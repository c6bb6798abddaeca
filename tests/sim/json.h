// Building JSON texts with the members in the order in which they are added.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace aribus::sim {

// `text` as a JSON string, with its quotes. Bytes that are no UTF-8 are passed on as they are.
[[nodiscard]] std::string quoted(std::string_view text);

// `values` as a JSON array of strings.
[[nodiscard]] std::string quoted_list(const std::vector<std::string>& values);

// `values`, each a JSON text, as a JSON array.
[[nodiscard]] std::string array_of(const std::vector<std::string>& values);

// A JSON object under construction.
class Object {
 public:
  Object& text(std::string_view key, std::string_view value) { return raw(key, quoted(value)); }
  Object& number(std::string_view key, int64_t value) { return raw(key, std::to_string(value)); }
  Object& boolean(std::string_view key, bool value) { return raw(key, value ? "true" : "false"); }
  // `json` must be a JSON text.
  Object& raw(std::string_view key, std::string_view json);
  // All members of `other`.
  Object& add(const Object& other);

  [[nodiscard]] std::string str() const { return "{" + members_ + "}"; }
  // The members without the braces.
  [[nodiscard]] const std::string& members() const { return members_; }

 private:
  std::string members_;
};

}  // namespace aribus::sim
