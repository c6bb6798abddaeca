#include "record/schema.h"

#include <algorithm>
#include <map>

#include "json/json_builder.h"
#include "record/field_rules.h"

namespace aribus::record {
namespace {

using ari::Field;
using ari::ModelType;
using ari::Type;

std::string of_type(std::string_view name) {
  return ObjectBuilder().text("type", name).str();
}

std::string scalar_schema(Type type) {
  switch (type) {
    case Type::none:
      return of_type("null");
    case Type::string:
      return of_type("string");
    case Type::integer:
      return of_type("integer");
    case Type::number:
      return of_type("number");
    case Type::boolean:
      return of_type("boolean");
    case Type::date:
      return ObjectBuilder().text("type", "string").text("format", "date-time").str();
    case Type::string_or_null:
      return R"({"type":["string","null"]})";
    case Type::string_or_integer:
      return R"({"type":["string","integer"]})";
    default:
      return "{}";
  }
}

std::string field_schema(const ModelType& model, const Field& field, std::string_view references) {
  // A value that is no number stays a string.
  if (is_number_field(model, field.name)) return R"({"type":["integer","string"]})";
  if (field.values.empty()) return schema_of(field.type, field.list, field.model, references);
  const std::string declared = ObjectBuilder().json("enum", strings_text(field.values)).str();
  return ObjectBuilder().json("anyOf", array_text(std::vector{declared, scalar_schema(field.type)})).str();
}

}  // namespace

std::string schema_of(Type type, bool list, const ModelType* model, std::string_view references) {
  const std::string one =
      model == nullptr
          ? scalar_schema(type)
          : ObjectBuilder().text("$ref", std::string(references) + std::string(model->name)).str();
  return list ? ObjectBuilder().text("type", "array").json("items", one).str() : one;
}

std::string schema_of(const ModelType& model, std::string_view references) {
  ObjectBuilder properties;
  std::vector<std::string_view> required;
  if (model.event) {
    properties.json("type", ObjectBuilder().text("const", model.name).str());
    required.emplace_back("type");
  }
  for (const Field& field : model.fields) {
    // The envelope has them under other names.
    if (model.event && (field.name == "type" || field.name == "timestamp" || field.name == "application"))
      continue;
    properties.json(field.name, field_schema(model, field, references));
    if (field.required) required.push_back(field.name);
  }
  const bool has_cause = model.find("cause") != nullptr;
  if (has_cause && model.find("cause_txt") == nullptr)
    properties.json("cause_txt", scalar_schema(Type::string));
  ObjectBuilder schema;
  schema.text("type", "object");
  if (!required.empty()) schema.json("required", strings_text(required));
  schema.json("properties", properties.str());
  if (has_cause) schema.json("if", R"({"required":["cause"]})").json("then", R"({"required":["cause_txt"]})");
  if (!model.absent_in.empty()) {
    schema.json("x-ari", ObjectBuilder().text("later_than", model.absent_in).str());
  }
  return schema.str();
}

std::vector<const ModelType*> closure_of(const std::vector<const ModelType*>& models) {
  std::map<std::string_view, const ModelType*> found;
  std::vector<const ModelType*> todo = models;
  while (!todo.empty()) {
    const ModelType* model = todo.back();
    todo.pop_back();
    if (model == nullptr || !found.emplace(model->name, model).second) continue;
    for (const Field& field : model->fields) todo.push_back(field.model);
  }
  std::vector<const ModelType*> all;
  for (const auto& [name, model] : found) all.push_back(model);
  return all;
}

}  // namespace aribus::record
