#include "control/method_table.h"

#include <utility>

namespace aribus::control {

void MethodTable::add(Method method) {
  std::string name = method.name;
  methods_.insert_or_assign(std::move(name), std::move(method));
}

void MethodTable::add(std::vector<Method> methods) {
  for (Method& method : methods) add(std::move(method));
}

const Method* MethodTable::find(std::string_view name) const {
  const auto at = methods_.find(name);
  return at == methods_.end() ? nullptr : &at->second;
}

std::vector<std::string_view> MethodTable::names() const {
  std::vector<std::string_view> names;
  for (const auto& [name, method] : methods_) names.push_back(name);
  return names;
}

}  // namespace aribus::control
