#include "daemon/yaml_reader.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "base/bytes.h"
#include "base/json.h"
#include "base/nearest.h"

namespace aribus::daemon {
namespace {

std::string kind_of(const YAML::Node& node) {
  if (node.IsMap()) return "a mapping";
  if (node.IsSequence()) return "a list";
  if (node.IsNull()) return "nothing";
  return "'" + node.Scalar() + "'";
}

}  // namespace

std::string Mistake::text() const {
  const std::string place =
      line == 0 ? file : file + ":" + std::to_string(line) + ":" + std::to_string(column);
  return place + ": " + (key.empty() ? "" : key + ": ") + message;
}

Error error_of(std::vector<Mistake> mistakes) {
  std::ranges::stable_sort(mistakes, {},
                           [](const Mistake& mistake) { return std::pair(mistake.line, mistake.column); });
  Error error{ErrorKind::invalid_params, {}, {}};
  for (const Mistake& mistake : mistakes)
    error.message += (error.message.empty() ? "" : "\n") + mistake.text();
  error.data = render([&](JsonWriter& writer) {
    writer.StartObject();
    writer.Key("mistakes");
    writer.StartArray();
    for (const Mistake& mistake : mistakes) {
      writer.StartObject();
      write_member(writer, "file", mistake.file);
      if (mistake.line > 0) {
        writer.Key("line");
        writer.Int(mistake.line);
        writer.Key("column");
        writer.Int(mistake.column);
      }
      if (!mistake.key.empty()) write_member(writer, "key", mistake.key);
      write_member(writer, "message", mistake.message);
      writer.EndObject();
    }
    writer.EndArray();
    writer.EndObject();
  });
  return error;
}

Mistake YamlValue::mistake(const std::string& message) const {
  const YAML::Mark mark = node_.Mark();
  if (mark.is_null()) return {file_, 0, 0, path_, message};
  return {file_, mark.line + 1, mark.column + 1, path_, message};
}

void YamlValue::fail(const std::string& expected) const {
  throw ConfigError(mistake(expected));
}

void YamlValue::note(const std::string& expected) const {
  mistakes_->push_back(mistake(expected));
}

void YamlValue::attempt(const std::function<void(const YamlValue&)>& read) const {
  try {
    read(*this);
  } catch (const ConfigError& error) {
    mistakes_->push_back(error.mistake);
  }
}

std::string YamlValue::scalar(const char* expected) const {
  if (!node_.IsScalar()) fail(std::string(expected) + " is expected, not " + kind_of(node_));
  return node_.Scalar();
}

std::string YamlValue::string() const {
  std::string text = scalar("a text");
  if (text.empty()) fail("a text that is not empty is expected");
  if (to_valid_utf8(text, text.size()) != text) fail("a text in UTF-8 is expected");
  if (std::ranges::any_of(text, [](unsigned char c) { return c < ' ' || c == 0x7F; })) {
    fail("a text in one line, without control characters, is expected");
  }
  return text;
}

bool YamlValue::boolean() const {
  const std::string text = scalar("true or false");
  if (text != "true" && text != "false") fail("true or false is expected, not '" + text + "'");
  return text == "true";
}

int64_t YamlValue::integer(int64_t minimum) const {
  const std::string text = scalar("a whole number");
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < minimum || number > INT32_MAX) {
    fail("a whole number of at least " + std::to_string(minimum) + " is expected, not '" + text + "'");
  }
  return number;
}

int64_t YamlValue::with_unit(const char* expected,
                             std::initializer_list<std::pair<std::string_view, int64_t>> units) const {
  const std::string text = scalar(expected);
  int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  std::string_view unit(at, static_cast<size_t>(end - at));
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  for (const auto& [name, factor] : units) {
    if (error == std::errc() && unit == name && number > 0 && number <= INT64_MAX / factor)
      return number * factor;
  }
  fail(std::string(expected) + " is expected, not '" + text + "'");
}

size_t YamlValue::bytes() const {
  return static_cast<size_t>(with_unit("a size with its unit (B, KiB, MiB or GiB), as 64MiB,",
                                       {{"B", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}}));
}

Milliseconds YamlValue::duration() const {
  const int64_t number = with_unit("a duration with its unit (ms, s or min), as 10s,",
                                   {{"ms", 1}, {"s", 1000}, {"min", 60'000}});
  constexpr int64_t longest_min = 20 * 24 * 60;  // libraries count milliseconds in 32 bits
  if (number > longest_min * 60'000)
    fail("a duration of at most " + std::to_string(longest_min) + "min is expected");
  return Milliseconds(number);
}

unsigned YamlValue::mode() const {
  const std::string text = scalar("a mode in octal digits");
  unsigned mode = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), mode, 8);
  if (error != std::errc() || end != text.data() + text.size() || mode > 0777) {
    fail("a mode in octal digits, as \"0660\", is expected, not '" + text + "'");
  }
  return mode;
}

std::vector<YamlValue> YamlValue::list() const {
  if (!node_.IsSequence()) fail("a list is expected, not " + kind_of(node_));
  std::vector<YamlValue> values;
  for (const YAML::Node& item : node_) {
    values.emplace_back(file_, path_ + "[" + std::to_string(values.size()) + "]", item, *mistakes_);
  }
  return values;
}

void YamlValue::each(const std::function<void(const YamlValue&)>& read) const {
  for (const YamlValue& value : list()) value.attempt(read);
}

YamlMap::YamlMap(const YamlValue& value) : value_(value) {
  if (!value.node_.IsMap()) value.fail("a mapping of keys is expected, not " + kind_of(value.node_));
  std::set<std::string> seen;
  for (const auto& entry : value.node_) {
    if (!entry.first.IsScalar()) value.fail("a mapping of plain keys is expected");
    const std::string key = entry.first.Scalar();
    if (!seen.insert(key).second)
      YamlValue(value.file_, value.path_, entry.first, *value.mistakes_)
          .fail(key + ": this key is given twice");
  }
}

void YamlMap::optional(const char* key, const std::function<void(const YamlValue&)>& read) {
  known_.emplace_back(key);
  for (const auto& entry : value_.node_) {
    if (entry.first.Scalar() != key) continue;
    const std::string path = value_.path_.empty() ? key : value_.path_ + "." + key;
    YamlValue(value_.file_, path, entry.second, *value_.mistakes_).attempt(read);
  }
}

void YamlMap::required(const char* key, const char* why, const std::function<void(const YamlValue&)>& read) {
  bool found = false;
  optional(key, [&](const YamlValue& value) {
    found = true;
    read(value);
  });
  if (!found) value_.note(std::string(key) + ": missing; " + why);
}

bool YamlMap::has(const char* key) const {
  for (const auto& entry : value_.node_) {
    if (entry.first.Scalar() == key) return true;
  }
  return false;
}

void YamlMap::finish() const {
  for (const auto& entry : value_.node_) {
    const std::string key = entry.first.Scalar();
    if (std::ranges::find(known_, key) != known_.end()) continue;
    const std::string path = value_.path_.empty() ? key : value_.path_ + "." + key;
    YamlValue(value_.file_, path, entry.first, *value_.mistakes_)
        .note("no such key" + did_you_mean(key, known_) + " (known: " + join(known_) + ")");
  }
}

}  // namespace aribus::daemon
