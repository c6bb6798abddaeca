#include "ari/schema.h"

#include <algorithm>

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

const Field* Model::find(std::string_view field_name) const {
  return find_unsorted(fields, field_name);
}

const Parameter* Operation::find(std::string_view parameter_name) const {
  return find_unsorted(parameters, parameter_name);
}

const Model* find_model(std::string_view name) {
  return find_sorted(models(), name);
}
const Operation* find_operation(std::string_view name) {
  return find_sorted(operations(), name);
}

}  // namespace aribus::ari
