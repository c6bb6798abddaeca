#include "cli/methods.h"

#include <algorithm>

#include "cli/answers.h"
#include "cli/terminal.h"
#include "session/describe.h"

namespace aribus::cli {
namespace {

// Whether a schema takes values of the JSON Schema type `type`.
bool takes(const JsonValue& schema, std::string_view type) {
  if (const JsonValue* given = find(schema, "type")) {
    if (given->IsString()) return as_view(*given) == type;
  }
  for (const JsonValue& one : list_of(schema, "type")) {
    if (one.IsString() && as_view(one) == type) return true;
  }
  return std::ranges::any_of(list_of(schema, "oneOf"),
                             [&](const JsonValue& one) { return takes(one, type); });
}

std::string_view later_than(const JsonValue& described) {
  const JsonValue* facts = find(described, "x-ari");
  return facts == nullptr ? std::string_view() : find_string(*facts, "later_than");
}

Error wrong(std::string_view word, const std::string& why) {
  return Error{ErrorKind::invalid_params, "'" + std::string(word) + "': " + why, {}};
}

// `text` as a value of that schema.
Result<Json> value_of(std::string_view text, const JsonValue* schema) {
  Json value;
  value.SetString(text.data(), static_cast<rapidjson::SizeType>(text.size()), value.GetAllocator());
  if (schema == nullptr) return value;
  const bool list = !text.empty() && text.front() == '[' && takes(*schema, "array");
  if (takes(*schema, "string") && !list) return value;
  if (find(*schema, "enum") != nullptr) return value;  // the daemon says which
  Result<Json> json = parse_json(text);
  if (!json) return Error{ErrorKind::invalid_params, type_text(*schema) + " is expected", {}};
  return std::move(*json);
}

}  // namespace

rapidjson::Value::ConstArray list_of(const JsonValue& object, std::string_view name) {
  static const JsonValue none(rapidjson::kArrayType);
  const JsonValue* found = find(object, name);
  return (found != nullptr && found->IsArray() ? *found : none).GetArray();
}

std::string type_text(const JsonValue& schema) {
  std::string out;
  const auto add = [&](std::string_view word) { out += (out.empty() ? "" : ", ") + std::string(word); };
  for (const JsonValue& value : list_of(schema, "enum"))
    add(value.IsString() ? as_view(value) : to_text(value));
  if (!out.empty()) return "one of " + out;
  for (const auto& [type, word] : {std::pair("string", "text"), std::pair("integer", "whole number"),
                                   std::pair("number", "number"), std::pair("boolean", "true or false"),
                                   std::pair("array", "list"), std::pair("object", "object of JSON")}) {
    if (takes(schema, type)) add(word);
  }
  return out.empty() ? "JSON" : out;
}

std::vector<std::string> parameter_help(std::string_view name, size_t width, const std::string& takes,
                                        std::string_view description, size_t columns) {
  std::vector<std::string> lines{"  " + std::string(name) + "=" + std::string(width - name.size() + 1, ' ') +
                                 takes};
  for (std::string& line : wrapped(description, columns, 6)) lines.push_back(std::move(line));
  return lines;
}

Result<Methods> Methods::read(Json description) {
  if (auto good = check_description(description); !good) return good.error();
  return Methods(std::move(description));
}

const Methods& Methods::built_in() {
  static const Methods methods = [] {
    const Result<std::string> text = session::describe("openrpc");
    Result<Json> description = parse_own_json(text ? *text : std::string());
    return Methods(description ? std::move(*description) : Json(rapidjson::kObjectType));
  }();
  return methods;
}

std::vector<std::string> Methods::values_of(const Parameter& parameter) {
  std::vector<std::string> values;
  if (parameter.schema == nullptr) return values;
  const auto add = [&](const JsonValue& schema) {
    for (const JsonValue& value : list_of(schema, "enum")) {
      if (value.IsString()) values.emplace_back(as_view(value));
    }
  };
  add(*parameter.schema);
  for (const JsonValue& one : list_of(*parameter.schema, "oneOf")) add(one);
  if (values.empty() && takes(*parameter.schema, "boolean")) values = {"true", "false"};
  return values;
}

const JsonValue* Methods::find_method(std::string_view name) const {
  for (const JsonValue& method : list_of(description_, "methods")) {
    if (find_string(method, "name") == name) return &method;
  }
  return nullptr;
}

std::vector<std::string_view> Methods::names() const {
  std::vector<std::string_view> names;
  for (const JsonValue& method : list_of(description_, "methods"))
    names.push_back(find_string(method, "name"));
  return names;
}

std::vector<Methods::Parameter> Methods::parameters(std::string_view method) const {
  std::vector<Parameter> parameters;
  const JsonValue* found = find_method(method);
  if (found == nullptr) return parameters;
  for (const JsonValue& given : list_of(*found, "params")) {
    const JsonValue* parameter = &given;
    if (const std::string_view ref = find_string(given, "$ref"); !ref.empty()) {
      const JsonValue* components = find(description_, "components");
      const JsonValue* shared = components == nullptr ? nullptr : find(*components, "contentDescriptors");
      parameter = shared == nullptr ? nullptr : find(*shared, ref.substr(ref.rfind('/') + 1));
      if (parameter == nullptr) continue;
    }
    if (find_string(*parameter, "name").empty()) continue;
    const JsonValue* required = find(*parameter, "required");
    parameters.push_back({find_string(*parameter, "name"), required != nullptr && required->IsTrue(),
                          find(*parameter, "schema"), find_string(*parameter, "description"),
                          later_than(*parameter)});
  }
  return parameters;
}

std::string_view Methods::summary(std::string_view method) const {
  const JsonValue* found = find_method(method);
  return found == nullptr ? std::string_view() : find_string(*found, "summary");
}

std::vector<std::string> Methods::help(std::string_view method, size_t columns) const {
  const JsonValue* found = find_method(method);
  if (found == nullptr) return {};
  const auto later = [](std::string_view version) {
    return version.empty() ? "" : ", later than Asterisk " + std::string(version);
  };
  std::vector<std::string> out = {std::string(method) + ": " + std::string(summary(method))};
  std::string_view more = find_string(*found, "description");
  if (more.starts_with(summary(method))) more.remove_prefix(summary(method).size());
  for (std::string& line : wrapped(more, columns, 2)) out.push_back(std::move(line));
  if (const JsonValue* facts = find(*found, "x-ari")) {
    out.push_back("  " + std::string(find_string(*facts, "method")) + " " +
                  std::string(find_string(*facts, "path")) + later(later_than(*found)));
  }
  out.emplace_back();
  size_t longest = 0;
  const std::vector<Parameter> all = parameters(method);
  for (const Parameter& parameter : all) longest = std::max(longest, parameter.name.size());
  if (all.empty()) out.emplace_back("It takes no parameters.");
  for (const Parameter& parameter : all) {
    const std::string takes = (parameter.schema == nullptr ? "JSON" : type_text(*parameter.schema)) +
                              (parameter.required ? " (required)" : "") + later(parameter.later_than);
    for (std::string& line : parameter_help(parameter.name, longest, takes, parameter.description, columns))
      out.push_back(std::move(line));
  }
  return out;
}

Result<std::string> Methods::params(std::string_view method, const std::vector<std::string>& words) const {
  const std::vector<Parameter> known = parameters(method);
  Json params(rapidjson::kObjectType);
  for (const std::string& word : words) {
    const size_t equals = word.find('=');
    if (equals == 0 || equals == std::string::npos) {
      return wrong(word, "name=value, or name:=json, is expected");
    }
    const bool as_json = word[equals - 1] == ':';
    const std::string name = word.substr(0, as_json ? equals - 1 : equals);
    const std::string_view text = std::string_view(word).substr(equals + 1);
    const auto at = std::ranges::find(known, name, &Parameter::name);
    const JsonValue* schema = at == known.end() ? nullptr : at->schema;
    Result<Json> value = as_json ? parse_json(text) : value_of(text, schema);
    if (!value) {
      return wrong(word, (as_json ? "no JSON: " : name + ": ") + value.error().message);
    }
    const JsonValue* before = find(params, name);
    if (before == nullptr) {
      set_member(params, name, *value);
      continue;
    }
    if (schema == nullptr || !takes(*schema, "array")) return wrong(word, name + " is given twice");
    Json list(rapidjson::kArrayType);
    const auto add = [&](const JsonValue& item) {
      list.PushBack(JsonValue(item, list.GetAllocator()), list.GetAllocator());
    };
    if (before->IsArray()) {
      for (const JsonValue& item : before->GetArray()) add(item);
    } else {
      add(*before);
    }
    add(*value);
    set_member(params, name, list);
  }
  return to_text(params);
}

}  // namespace aribus::cli
