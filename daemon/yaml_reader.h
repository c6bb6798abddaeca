// Strict reading of YAML: every key known, every value of its type, every error with its place.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <yaml-cpp/yaml.h>

#include "base/loop.h"

namespace aribus::daemon {

// What is wrong with a configuration: "file:line:column: key: what was expected". Thrown and caught within
// config.cpp.
class ConfigError : public std::runtime_error {
  using runtime_error::runtime_error;
};

// One value of the file, which knows its place.
class YamlValue {
 public:
  YamlValue(std::string file, std::string path, YAML::Node node)
      : file_(std::move(file)), path_(std::move(path)), node_(std::move(node)) {}

  // Each throws ConfigError when the value is of another type.
  // One line of UTF-8, not empty.
  [[nodiscard]] std::string string() const;
  [[nodiscard]] bool boolean() const;
  // At least `minimum`.
  [[nodiscard]] int64_t integer(int64_t minimum) const;
  // A number with one of the units B, KiB, MiB, GiB; more than 0.
  [[nodiscard]] size_t bytes() const;
  // A number with one of the units ms, s, min; more than 0, at most 20 days.
  [[nodiscard]] Milliseconds duration() const;
  // Digits 0 to 7, as "0660".
  [[nodiscard]] unsigned mode() const;
  [[nodiscard]] std::vector<YamlValue> list() const;

  // Stops with an error about this value.
  [[noreturn]] void fail(const std::string& expected) const;

 private:
  friend class YamlMap;
  [[nodiscard]] std::string scalar(const char* expected) const;
  // Splits "64MiB" into 64 and its unit's factor.
  [[nodiscard]] int64_t with_unit(const char* expected,
                                  std::initializer_list<std::pair<std::string_view, int64_t>> units) const;

  std::string file_;
  std::string path_;
  YAML::Node node_;
};

// A mapping, read key by key; finish() finds the keys that nobody asked for.
class YamlMap {
 public:
  // Throws ConfigError when `value` is no mapping, or has a key twice.
  explicit YamlMap(const YamlValue& value);

  // Calls `read` with the value of `key` when it is there.
  void optional(const char* key, const std::function<void(const YamlValue&)>& read);
  // As optional(); throws ConfigError, with `why`, when it is missing.
  void required(const char* key, const char* why, const std::function<void(const YamlValue&)>& read);
  // Throws ConfigError at the first key that was not asked for, with the nearest one that was.
  void finish() const;

 private:
  YamlValue value_;
  std::vector<std::string_view> known_;
};

}  // namespace aribus::daemon
