// All methods, by name.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "control/method.h"

namespace aribus::control {

// Which methods exist, and everything there is to know about each. It is filled once
// (session/all_methods.h) and then only read: by the dispatcher that calls them, by the description that
// rpc.discover and --describe print, and by the configuration, whose access rules name methods. Some methods
// hold references to the table, so it stays where it was made.
class MethodTable {
 public:
  using Methods = std::map<std::string, Method, std::less<>>;

  MethodTable() = default;
  MethodTable(const MethodTable&) = delete;
  MethodTable& operator=(const MethodTable&) = delete;

  // A method of the same name is replaced.
  void add(Method method);
  void add(std::vector<Method> methods);

  // nullptr if there is none of that name.
  [[nodiscard]] const Method* find(std::string_view name) const;
  // Sorted by name.
  [[nodiscard]] const Methods& all() const { return methods_; }
  [[nodiscard]] std::vector<std::string_view> names() const;

 private:
  Methods methods_;
};

}  // namespace aribus::control
