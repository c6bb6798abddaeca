#include "config/yaml_reader.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>

#include "base/numbers.h"
#include "base/suggest.h"
#include "base/utf8.h"
#include "json/json.h"

namespace aribus::config {
namespace {

constexpr size_t max_shown_bytes = 64;

// Looks like a mistyped key rather than a password in the place of a key.
bool is_like_a_key(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
}

// What other words for true and false mean, YAML 1.1's among them; "": nothing.
std::string_view truth_of(std::string_view text) {
  constexpr std::string_view yes[] = {"true", "yes", "on", "y"}, no[] = {"false", "no", "off", "n"};
  const auto is = [&](std::string_view word) {
    return std::ranges::equal(text, word, [](char a, char b) { return std::tolower(a) == b; });
  };
  if (std::ranges::any_of(yes, is)) return "true";
  return std::ranges::any_of(no, is) ? "false" : "";
}

}  // namespace

std::string shown(const std::string& text) {
  std::string line = to_valid_utf8(text, max_shown_bytes);
  std::ranges::replace_if(
      line, [](unsigned char c) { return c < ' ' || c == 0x7F; }, ' ');
  return line.size() < text.size() ? line + "…" : line;
}

std::string ConfigFault::text() const {
  std::string place = file;
  if (line >= 0) place += ":" + std::to_string(line + 1) + ":" + std::to_string(column + 1);
  return place + ": " + (key.empty() ? "" : key + ": ") + message;
}

void ConfigFaults::add(ConfigFault fault) {
  if (faults_.size() == max_kept) {
    ++further_;
  } else {
    faults_.push_back(std::move(fault));
  }
}

Error ConfigFaults::error() const {
  std::vector<ConfigFault> sorted = faults_;
  std::ranges::stable_sort(sorted, {}, [](const ConfigFault& f) { return std::pair(f.line, f.column); });
  std::string text;
  for (const ConfigFault& fault : sorted) text += (text.empty() ? "" : "\n") + fault.text();
  if (further_ > 0) text += "\nand " + std::to_string(further_) + " more";
  return Error{ErrorKind::invalid_params, text, render([&](JsonWriter& writer) {
                 writer.StartObject();
                 writer.Key("mistakes");
                 writer.StartArray();
                 for (const ConfigFault& fault : sorted) {
                   writer.StartObject();
                   write_member(writer, "file", fault.file);
                   if (fault.line >= 0) {
                     writer.Key("line");
                     writer.Int(fault.line + 1);
                     writer.Key("column");
                     writer.Int(fault.column + 1);
                   }
                   if (!fault.key.empty()) write_member(writer, "key", fault.key);
                   write_member(writer, "message", fault.message);
                   writer.EndObject();
                 }
                 writer.EndArray();
                 writer.EndObject();
               })};
}

ConfigFault YamlValue::fault(const std::string& message) const {
  const YAML::Mark mark = node_.Mark();
  return {mark.is_null() ? -1 : mark.line, mark.column, file_, path_, message};
}

YamlValue YamlValue::member(const std::string& key) const {
  if (!node_.IsMap()) return *this;
  for (const auto& entry : node_) {
    if (entry.first.IsScalar() && entry.first.Scalar() == key) return within(key, entry.second);
  }
  return *this;
}

void YamlValue::attempt(const std::function<void()>& read) const {
  try {
    read();
  } catch (const ConfigError& error) {
    faults_->add(error.fault);
  }
}

bool YamlValue::may_be_secret() const {
  return path_.empty() || path_.starts_with("asterisk") || path_.starts_with("nats");
}

std::string YamlValue::kind() const {
  if (node_.IsMap()) return "a mapping";
  if (node_.IsSequence()) return "a list";
  if (node_.IsNull()) return "nothing";
  return may_be_secret() ? "a text" : "'" + shown(node_.Scalar()) + "'";
}

std::string YamlValue::not_this() const {
  return may_be_secret() ? "" : ", not '" + shown(node_.Scalar()) + "'";
}

std::string YamlValue::scalar(const char* expected) const {
  if (!node_.IsScalar()) fail(std::string(expected) + " is expected, not " + kind());
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
  if (text != "true" && text != "false") {
    const std::string_view meant = truth_of(text);
    fail("true or false is expected" + not_this() +
         (meant.empty() ? "" : "; write " + std::string(meant) + ", in small letters"));
  }
  return text == "true";
}

int64_t YamlValue::integer(int64_t minimum, int64_t maximum) const {
  const std::string text = scalar("a whole number");
  const auto number = whole_number<int64_t>(text);
  if (!number || *number < minimum || *number > maximum) {
    fail("a whole number from " + std::to_string(minimum) + " to " + std::to_string(maximum) +
         " is expected" + not_this());
  }
  return *number;
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
  fail(std::string(expected) + " is expected" + not_this());
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

std::chrono::seconds YamlValue::long_duration() const {
  const int64_t number = with_unit("a duration with its unit (s, min, h or d), as 7d,",
                                   {{"s", 1}, {"min", 60}, {"h", 3600}, {"d", 86'400}});
  constexpr int64_t longest_d = 36'500;
  if (number > longest_d * 86'400)
    fail("a duration of at most " + std::to_string(longest_d) + "d is expected");
  return std::chrono::seconds(number);
}

unsigned YamlValue::mode() const {
  const std::string text = scalar("a mode in octal digits");
  const auto mode = whole_number<unsigned>(text, 8);
  if (!mode || *mode > 0777) fail("a mode in octal digits, as \"0660\", is expected" + not_this());
  return *mode;
}

std::vector<YamlValue> YamlValue::list(const std::string& empty) const {
  if (node_.IsScalar() && !node_.Scalar().empty()) {
    fail("a list is expected, as [" + (may_be_secret() ? "a, b" : shown(node_.Scalar())) + "], not " +
         kind());
  }
  if (!node_.IsSequence()) fail("a list is expected, not " + kind());
  if (node_.size() == 0 && !empty.empty()) fail(empty);
  std::vector<YamlValue> values;
  for (const YAML::Node& item : node_) {
    values.emplace_back(file_, path_ + "[" + std::to_string(values.size()) + "]", item, *faults_);
  }
  return values;
}

void YamlValue::each(const std::string& empty, const std::function<void(const YamlValue&)>& read) const {
  for (const YamlValue& item : list(empty)) attempt([&] { read(item); });
}

void YamlValue::each_member(const std::function<void(const std::string& key, const YamlValue&)>& read) const {
  const YamlMap checked(*this);
  for (const auto& entry : node_) {
    if (!entry.first.IsScalar()) continue;  // it is noted
    attempt([&] { read(at(entry.first).string(), within(shown(entry.first.Scalar()), entry.second)); });
  }
}

YamlMap::YamlMap(const YamlValue& value) : value_(value) {
  if (!value.node_.IsMap()) value.fail("a mapping of keys is expected, not " + value.kind());
  std::map<std::string, int> lines;
  for (const auto& entry : value.node_) {
    value.attempt([&] {
      const YamlValue at = value.at(entry.first);
      if (!entry.first.IsScalar()) at.fail("a plain key is expected, not " + at.kind());
      const std::string& key = entry.first.Scalar();
      const auto [first, is_new] = lines.emplace(key, entry.first.Mark().line + 1);
      if (!is_new) {
        at.fail((is_like_a_key(key) ? key + ": " : "") + "this key is given twice, in line " +
                std::to_string(first->second) + " already; leave one out");
      }
    });
  }
}

void YamlMap::optional(const char* key, const std::function<void(const YamlValue&)>& read) {
  known_.emplace_back(key);
  for (const auto& entry : value_.node_) {
    if (!entry.first.IsScalar() || entry.first.Scalar() != key) continue;
    const YamlValue value = value_.within(key, entry.second);
    return value.attempt([&] { read(value); });  // a key that is given twice is a mistake already
  }
}

void YamlMap::required(const char* key, const char* why, const std::function<void(const YamlValue&)>& read) {
  bool found = false;
  optional(key, [&](const YamlValue& value) {
    found = true;
    read(value);
  });
  if (!found) value_.attempt([&] { value_.fail(std::string(key) + ": missing; " + why); });
}

bool YamlMap::has(const char* key) const {
  return std::ranges::any_of(
      value_.node_, [&](const auto& entry) { return entry.first.IsScalar() && entry.first.Scalar() == key; });
}

void YamlMap::finish() const {
  for (const auto& entry : value_.node_) {
    if (!entry.first.IsScalar()) continue;
    const std::string& key = entry.first.Scalar();
    if (std::ranges::find(known_, key) != known_.end()) continue;
    value_.attempt([&] {
      (is_like_a_key(key) ? value_.within(shown(key), entry.first) : value_.at(entry.first))
          .fail("no such key" + did_you_mean(key, known_) + " (known: " + join(known_) + ")");
    });
  }
}

}  // namespace aribus::config
