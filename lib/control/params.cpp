#include "control/params.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/suggest.h"
#include "base/utf8.h"

namespace aribus::control {
namespace {

using ari::Parameter;
using ari::Type;

constexpr size_t max_shown_bytes = 64;  // of a value that an error repeats

// ARI accepts any JSON where an object is declared; aribus requires an object.
bool fits(const JsonValue& value, Type type) {
  return type == Type::object ? value.IsObject() : ari::has_type(value, type);
}

Result<void> check_value(const Parameter& parameter, const JsonValue& value) {
  if (!fits(value, parameter.type)) {
    const std::string expected =
        std::string(ari::text_of(parameter.type)) + (parameter.multiple ? " or an array of them" : "");
    return wrong_param(parameter.name, expected, &value);
  }
  if (value.IsString() && parameter.place == ari::Place::path && value.GetStringLength() == 0) {
    return wrong_param(parameter.name, "a string that is not empty");
  }
  if (!parameter.values.empty() && value.IsString()) {
    for (const std::string_view allowed : parameter.values) {
      if (as_view(value) == allowed) return {};
    }
    Error error = wrong_param(parameter.name, "one of " + join(parameter.values), &value);
    error.message += did_you_mean(as_view(value), parameter.values);
    return error;
  }
  if (value.IsInt64() && (value.GetInt64() < parameter.minimum || value.GetInt64() > parameter.maximum)) {
    const bool low = value.GetInt64() < parameter.minimum;
    return wrong_param(parameter.name,
                       low ? "at least " + std::to_string(parameter.minimum)
                           : "at most " + std::to_string(parameter.maximum),
                       &value);
  }
  return {};
}

// Whether a string anywhere in the value contains NUL. Asterisk's strings end there, so it would act on
// another name than the one given.
bool holds_nul(const JsonValue& value) {
  const auto in_text = [](const JsonValue& text) {
    return as_view(text).find('\0') != std::string_view::npos;
  };
  if (value.IsString()) return in_text(value);
  if (value.IsArray()) return std::ranges::any_of(value.GetArray(), holds_nul);
  return value.IsObject() && std::ranges::any_of(value.GetObject(), [&](const auto& member) {
           return in_text(member.name) || holds_nul(member.value);
         });
}

Result<void> check_given(const Parameter& parameter, const JsonValue& value) {
  if (holds_nul(value)) return wrong_param(parameter.name, "a value without NUL characters", &value);
  if (!parameter.multiple || !value.IsArray()) return check_value(parameter, value);
  if (value.Empty()) return wrong_param(parameter.name, "at least one value");
  for (const JsonValue& item : value.GetArray()) {
    if (auto checked = check_value(parameter, item); !checked) return checked;
  }
  return {};
}

std::string data_about(std::string_view name, std::string_view expected) {
  return render([&](JsonWriter& writer) {
    writer.StartObject();
    write_member(writer, "parameter", to_valid_utf8(name, max_shown_bytes));
    write_member(writer, "expected", expected);
    writer.EndObject();
  });
}

}  // namespace

Error too_many_values(std::string_view name, size_t most, size_t given) {
  const std::string expected = "at most " + std::to_string(most) + " values";
  return Error{ErrorKind::invalid_params,
               std::string(name) + ": " + expected + " are expected, not " + std::to_string(given),
               data_about(name, expected)};
}

Error wrong_param(std::string_view name, std::string_view expected, const JsonValue* given) {
  std::string message = to_valid_utf8(name, max_shown_bytes) + ": " + std::string(expected) +
                        (given == nullptr ? " is missing" : " is expected, not ");
  if (given != nullptr && given->IsString()) {
    message += "'" + to_valid_utf8(as_view(*given), max_shown_bytes) + "'";
  } else if (given != nullptr) {
    message += given->IsObject() || given->IsArray() ? "a value of type " + std::string(type_name(*given))
                                                     : to_text(*given);
  }
  return Error{ErrorKind::invalid_params, message, data_about(name, expected)};
}

Result<void> check_params(std::span<const Parameter> declared, const JsonValue& params) {
  if (params.IsNull()) return check_params(declared, JsonValue(rapidjson::kObjectType));
  if (!params.IsObject()) {
    return Error{ErrorKind::invalid_params,
                 "params: an object is expected, not " + std::string(type_name(params)),
                 {}};
  }
  std::vector<const Parameter*> given;
  for (const auto& member : params.GetObject()) {
    const std::string_view name = as_view(member.name);
    const Parameter* known = nullptr;
    std::vector<std::string_view> names;
    for (const Parameter& parameter : declared) {
      names.push_back(parameter.name);
      if (parameter.name == name) known = &parameter;
    }
    if (known == nullptr) {
      Error error = wrong_param(name, names.empty() ? "no parameter" : "one of " + join(names));
      error.message = to_valid_utf8(name, max_shown_bytes) + ": no such parameter" +
                      did_you_mean(name, names) +
                      (names.empty() ? " (there are none)" : " (known: " + join(names) + ")");
      return error;
    }
    if (std::ranges::find(given, known) != given.end())
      return Error{ErrorKind::invalid_params, std::string(name) + ": given twice", {}};
    given.push_back(known);
    if (auto checked = check_given(*known, member.value); !checked) return checked;
  }
  for (const Parameter& parameter : declared) {
    if (parameter.required && find(params, parameter.name) == nullptr) {
      return wrong_param(parameter.name, ari::text_of(parameter.type));
    }
  }
  return {};
}

}  // namespace aribus::control
