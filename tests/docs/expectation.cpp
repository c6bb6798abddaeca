#include "tests/docs/expectation.h"

#include <regex>

#include "tests/docs/markdown.h"

namespace aribus::test {
namespace {

constexpr std::string_view anything = "…";

const std::regex time_form(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)");
const std::regex cursor_form(R"([0-9a-f]{12}:\d+)");
const std::regex stream_form(R"([0-9a-f]{12})");
const std::regex id_form(R"(aribus-[0-9a-f]{16})");
const std::regex call_form(R"([^/]+/[^/]+/\d{13})");

bool is_anything(const JsonValue& value) {
  return value.IsString() && as_view(value) == anything;
}

// `text` as a regular expression in which "…" stands for any text.
std::regex pattern_of(const std::string& text) {
  static const std::regex special(R"([.^$|()\[\]{}*+?\\])");
  std::string escaped = std::regex_replace(text, special, R"(\$&)");
  for (size_t at = 0; (at = escaped.find(anything, at)) != std::string::npos;) {
    escaped.replace(at, anything.size(), ".*");
  }
  return std::regex(escaped);
}

bool strings_agree(const std::string& shown, const std::string& actual, Aliases& aliases) {
  if (const std::string* bound = aliases.find(shown)) return actual == *bound;
  for (const std::regex* form : {&cursor_form, &stream_form, &id_form, &call_form}) {
    if (!std::regex_match(shown, *form)) continue;
    if (!std::regex_match(actual, *form)) return false;
    aliases.bind(shown, actual);
    return true;
  }
  if (std::regex_match(shown, time_form)) return std::regex_match(actual, time_form);
  if (shown.find(anything) != std::string::npos) return std::regex_match(actual, pattern_of(shown));
  return aliases.apply(shown) == actual;
}

std::string name_of(const std::string& where) {
  return where.substr(where.rfind('.') + 1);
}

bool is_counter(const std::string& where) {
  const std::string name = name_of(where);
  return name == "seq" || name == "from" || name == "to" || name == "records";
}

std::string objects(const JsonValue& shown, const JsonValue& actual, Aliases& aliases,
                    const std::string& where) {
  // Whether neither order nor number is shown.
  const bool open = find(shown, anything) != nullptr || are_of_an_earlier_version();
  auto next = actual.MemberBegin();
  for (const auto& member : shown.GetObject()) {
    const std::string name(as_view(member.name));
    if (name == anything) continue;
    const JsonValue* value = find(actual, name);
    if (value == nullptr) return where + "." + name + ": missing in " + to_text(actual);
    if (!open && as_view(next->name) != name) {
      return where + ": shown is " + name + " where " + std::string(as_view(next->name)) + " comes";
    }
    if (!open) ++next;
    const bool is_sentence = name == "message" && where.ends_with(".error");
    if (is_sentence && are_of_an_earlier_version()) continue;
    if (std::string found = difference(member.value, *value, aliases, where + "." + name); !found.empty()) {
      return found;
    }
  }
  if (!open && next != actual.MemberEnd()) {
    return where + "." + std::string(as_view(next->name)) + ": not shown, and there: " + to_text(next->value);
  }
  return {};
}

std::string arrays(const JsonValue& shown, const JsonValue& actual, Aliases& aliases,
                   const std::string& where) {
  const bool open = !shown.Empty() && is_anything(shown[shown.Size() - 1]);
  const rapidjson::SizeType count = shown.Size() - (open ? 1 : 0);
  if (open ? actual.Size() < count : actual.Size() != count) {
    return where + ": " + std::to_string(count) + " items are shown, not those of " + to_text(actual);
  }
  for (rapidjson::SizeType i = 0; i < count; ++i) {
    std::string found = difference(shown[i], actual[i], aliases, where + "[" + std::to_string(i) + "]");
    if (!found.empty()) return found;
  }
  return {};
}

}  // namespace

const std::string* Aliases::find(const std::string& shown) const {
  const auto at = actual_.find(shown);
  return at == actual_.end() ? nullptr : &at->second;
}

std::string Aliases::apply(std::string text) const {
  for (const auto& [shown, actual] : actual_) {
    for (size_t at = 0; (at = text.find(shown, at)) != std::string::npos; at += actual.size()) {
      text.replace(at, shown.size(), actual);
    }
  }
  return text;
}

std::string difference(const JsonValue& shown, const JsonValue& actual, Aliases& aliases,
                       const std::string& where) {
  if (is_anything(shown)) return {};
  if (shown.IsObject() && actual.IsObject()) return objects(shown, actual, aliases, where);
  if (shown.IsArray() && actual.IsArray()) return arrays(shown, actual, aliases, where);
  if (shown.IsNumber() && actual.IsNumber() && is_counter(where)) return {};
  const bool is_epoch = shown.IsNumber() && actual.IsNumber() && name_of(where) == "epoch";
  if (is_epoch && aliases.find(to_text(shown)) == nullptr) aliases.bind(to_text(shown), to_text(actual));
  const bool agree = shown.IsString() && actual.IsString()
                         ? strings_agree(std::string(as_view(shown)), std::string(as_view(actual)), aliases)
                     : is_epoch ? aliases.apply(to_text(shown)) == to_text(actual)
                                : shown == actual;
  return agree ? "" : where + ": shown is " + to_text(shown) + ", received " + to_text(actual);
}

}  // namespace aribus::test
