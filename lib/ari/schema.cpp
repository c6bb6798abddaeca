#include "ari/schema.h"

#include <algorithm>

#include "base/time.h"

namespace aribus::ari {
namespace {

template <typename Entry>
const Entry* find_sorted(std::span<const Entry> table, std::string_view name) {
  const auto at = std::ranges::lower_bound(table, name, {}, &Entry::name);
  return at != table.end() && at->name == name ? &*at : nullptr;
}

template <typename Entry>
const Entry* find_unsorted(std::span<const Entry> table, std::string_view name) {
  const auto at = std::ranges::find(table, name, &Entry::name);
  return at != table.end() ? &*at : nullptr;
}

}  // namespace

std::string_view text_of(Type type) {
  switch (type) {
    case Type::string:
      return "a string";
    case Type::integer:
      return "an integer";
    case Type::number:
      return "a number";
    case Type::boolean:
      return "a boolean";
    case Type::date:
      return "a time";
    case Type::object:
    case Type::model:
      return "an object";
    case Type::string_or_null:
      return "a string or null";
    case Type::string_or_integer:
      return "a string or an integer";
    default:
      return "a value";
  }
}

bool has_type(const JsonValue& value, Type type) {
  switch (type) {
    case Type::string:
      return value.IsString();
    case Type::integer:
      return value.IsInt64();
    case Type::number:
      return value.IsNumber();
    case Type::boolean:
      return value.IsBool();
    case Type::date:
      return value.IsString() && parse_time(as_view(value)).has_value();
    case Type::model:
      return value.IsObject();
    case Type::string_or_null:
      return value.IsString() || value.IsNull();
    case Type::string_or_integer:
      return value.IsString() || value.IsInt64();
    default:
      return true;
  }
}

const Field* ModelType::find(std::string_view field_name) const {
  return find_unsorted(fields, field_name);
}

const Parameter* Operation::find(std::string_view parameter_name) const {
  return find_unsorted(parameters, parameter_name);
}

const ModelType* find_model(std::string_view name) {
  return find_sorted(models(), name);
}
const Operation* find_operation(std::string_view name) {
  return find_sorted(operations(), name);
}

}  // namespace aribus::ari
