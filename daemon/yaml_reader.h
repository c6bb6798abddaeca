// Strict reading of YAML: every key known, every value of its type, every error with its place.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <yaml-cpp/yaml.h>

#include "base/loop.h"
#include "base/result.h"

namespace aribus::daemon {

// What is wrong with one value of a configuration.
struct Mistake {
  std::string file;
  int line = 0;  // from 1; 0: of the file as a whole
  int column = 0;
  std::string key;      // "asterisk[0].url"
  std::string message;  // what was expected, and what to do

  // "file:line:column: key: message"
  [[nodiscard]] std::string text() const;
};

// The error for all of them: its message has a line for each, its data `mistakes`.
[[nodiscard]] Error error_of(std::vector<Mistake> mistakes);

// Leaves the reading of one value; caught where the next one is read.
struct ConfigError : std::runtime_error {
  explicit ConfigError(Mistake found) : runtime_error(found.text()), mistake(std::move(found)) {}
  Mistake mistake;
};

// One value of the file, which knows its place.
class YamlValue {
 public:
  // Where there is something wrong, `mistakes`, which must outlive it, gets it, and reading goes on.
  YamlValue(std::string file, std::string path, YAML::Node node, std::vector<Mistake>& mistakes)
      : file_(std::move(file)), path_(std::move(path)), node_(std::move(node)), mistakes_(&mistakes) {}

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
  // Calls `read` with each value of a list.
  void each(const std::function<void(const YamlValue&)>& read) const;

  // Stops with an error about this value.
  [[noreturn]] void fail(const std::string& expected) const;
  // Takes note of an error about this value, and goes on.
  void note(const std::string& expected) const;

 private:
  friend class YamlMap;
  [[nodiscard]] Mistake mistake(const std::string& message) const;
  void attempt(const std::function<void(const YamlValue&)>& read) const;
  [[nodiscard]] std::string scalar(const char* expected) const;
  // Splits "64MiB" into 64 and its unit's factor.
  [[nodiscard]] int64_t with_unit(const char* expected,
                                  std::initializer_list<std::pair<std::string_view, int64_t>> units) const;

  std::string file_;
  std::string path_;
  YAML::Node node_;
  std::vector<Mistake>* mistakes_;
};

// A mapping, read key by key; finish() finds the keys that nobody asked for.
class YamlMap {
 public:
  // Throws ConfigError when `value` is no mapping, or has a key twice.
  explicit YamlMap(const YamlValue& value);

  // Calls `read` with the value of `key` when it is there.
  void optional(const char* key, const std::function<void(const YamlValue&)>& read);
  // As optional(); when it is missing that is a mistake, with `why`.
  void required(const char* key, const char* why, const std::function<void(const YamlValue&)>& read);
  [[nodiscard]] bool has(const char* key) const;
  // Each key that was not asked for is a mistake, with the nearest one that was.
  void finish() const;

 private:
  YamlValue value_;
  std::vector<std::string_view> known_;
};

}  // namespace aribus::daemon
