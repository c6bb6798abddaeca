// Strict reading of YAML: every key is known, every value has its type, every error has its place.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <yaml-cpp/yaml.h>

#include "base/result.h"
#include "net/loop.h"

namespace aribus::config {

// What is wrong with one value.
struct ConfigFault {
  int line = -1;  // from 0; -1: of the file as a whole
  int column = -1;
  std::string file;
  std::string key;      // "asterisk[0].url"; "": of the file as a whole
  std::string message;  // cause and cure

  // "file:line:column: key: cause and cure"
  [[nodiscard]] std::string text() const;
};

// Ends the reading of one value. Whoever reads the configuration catches it: load_config() throws none.
class ConfigError : public std::runtime_error {
 public:
  explicit ConfigError(ConfigFault its_fault)
      : runtime_error(its_fault.text()), fault(std::move(its_fault)) {}
  ConfigFault fault;
};

// All mistakes of a file.
class ConfigFaults {
 public:
  static constexpr size_t max_kept = 100;

  void add(ConfigFault fault);
  [[nodiscard]] bool empty() const { return faults_.empty(); }
  [[nodiscard]] size_t count() const { return faults_.size() + further_; }
  // The error of a configuration that has them: its message has a line for each, in the order of their
  // places; its data is {"mistakes":[{"file","line","column","key","message"},…]}.
  [[nodiscard]] Error error() const;

 private:
  std::vector<ConfigFault> faults_;
  size_t further_ = 0;
};

// `text` for an error: in one line of UTF-8, cut to 64 bytes.
[[nodiscard]] std::string shown(const std::string& text);

// One value of the file, which knows its place.
class YamlValue {
 public:
  // `faults` gets the mistakes within it.
  YamlValue(std::string file, std::string path, YAML::Node node, ConfigFaults& faults)
      : file_(std::move(file)), path_(std::move(path)), node_(std::move(node)), faults_(&faults) {}

  // These throw ConfigError if the value has another type.
  // One line of UTF-8, not empty.
  [[nodiscard]] std::string string() const;
  [[nodiscard]] bool boolean() const;
  // From `minimum` to `maximum`.
  [[nodiscard]] int64_t integer(int64_t minimum, int64_t maximum = INT32_MAX) const;
  // A number with one of the units B, KiB, MiB, GiB; more than 0.
  [[nodiscard]] size_t bytes() const;
  // A number with one of the units ms, s, min; more than 0, at most 20 days.
  [[nodiscard]] Milliseconds duration() const;
  // A number with one of the units s, min, h, d; more than 0, at most 100 years.
  [[nodiscard]] std::chrono::seconds long_duration() const;
  // Digits 0 to 7, as "0660".
  [[nodiscard]] unsigned mode() const;
  [[nodiscard]] bool is_map() const { return node_.IsMap(); }
  [[nodiscard]] bool is_list() const { return node_.IsSequence(); }
  // Whether it is the empty text.
  [[nodiscard]] bool is_empty() const { return node_.IsScalar() && node_.Scalar().empty(); }
  // `empty` says what an empty list would mean, for the error; "": an empty list is accepted.
  [[nodiscard]] std::vector<YamlValue> list(const std::string& empty = {}) const;
  // Calls `read` for each value of the list; if it throws, the mistake is noted and the value left out.
  void each(const std::string& empty, const std::function<void(const YamlValue&)>& read) const;
  // Calls `read` with each key of a mapping whose keys are the user's names; if it throws, the mistake is
  // noted and the key left out. Throws ConfigError if it is no mapping.
  void each_member(const std::function<void(const std::string& key, const YamlValue&)>& read) const;
  // Number of mistakes noted so far.
  [[nodiscard]] size_t mistakes() const { return faults_->count(); }
  // Calls `read`; what it throws is noted.
  void attempt(const std::function<void()>& read) const;

  // Whether a password may be here by mistake: in `asterisk` or `nats`, or outside of all sections. Then an
  // error must not repeat its text.
  [[nodiscard]] bool may_be_secret() const;
  // ", not 'text'" for an error, or "" where it may be secret. Required: it is a scalar.
  [[nodiscard]] std::string not_this() const;

  // The value of `key`, or this one if it is not given.
  [[nodiscard]] YamlValue member(const std::string& key) const;
  // Its text; "" if it is no scalar.
  [[nodiscard]] std::string text() const { return node_.IsScalar() ? node_.Scalar() : std::string(); }
  // Where it begins.
  [[nodiscard]] YAML::Mark mark() const { return node_.Mark(); }
  // `message` about this value: cause and cure.
  [[nodiscard]] ConfigFault fault(const std::string& message) const;
  // Throws that error.
  [[noreturn]] void fail(const std::string& message) const { throw ConfigError(fault(message)); }

 private:
  friend class YamlMap;
  // The value at `node` within this one, and its member `key`.
  [[nodiscard]] YamlValue at(const YAML::Node& node) const { return {file_, path_, node, *faults_}; }
  [[nodiscard]] YamlValue within(const std::string& key, const YAML::Node& node) const {
    return {file_, path_.empty() ? key : path_ + "." + key, node, *faults_};
  }
  [[nodiscard]] std::string scalar(const char* expected) const;
  // What kind of value it is, for an error.
  [[nodiscard]] std::string kind() const;
  // Splits "64MiB" into 64 and its unit's factor.
  [[nodiscard]] int64_t with_unit(const char* expected,
                                  std::initializer_list<std::pair<std::string_view, int64_t>> units) const;

  std::string file_;
  std::string path_;
  YAML::Node node_;
  ConfigFaults* faults_;
};

// A mapping, read key by key; finish() reports the keys that were not read. Mistakes are noted, and reading
// goes on with the next key.
class YamlMap {
 public:
  // Throws ConfigError when `value` is no mapping.
  explicit YamlMap(const YamlValue& value);

  // Calls `read` with the value of `key` when it is there.
  void optional(const char* key, const std::function<void(const YamlValue&)>& read);
  // As optional(); if it is missing, that is a mistake, with `why`.
  void required(const char* key, const char* why, const std::function<void(const YamlValue&)>& read);
  [[nodiscard]] bool has(const char* key) const;
  // Notes each key that was not read as a mistake, and suggests a similar one.
  void finish() const;

 private:
  YamlValue value_;
  std::vector<std::string_view> known_;
};

}  // namespace aribus::config
