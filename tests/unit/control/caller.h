// A caller that may do everything, the methods of an Asterisk, and the answers that it gets.
#pragma once

#include <memory>

#include "control/access_rule.h"
#include "control/method_table.h"
#include "control/methods/operations.h"
#include "control/methods/verbs.h"
#include "json/json.h"
#include "pbx/result_text.h"

namespace aribus::test {

inline control::Caller a_caller() {
  static const auto everything = std::make_shared<const control::AccessRule>(
      control::AccessRule{.name = "everything", .methods = {"read", "control", "admin"}, .functions = {"*"}});
  return {.principal = {.name = "tester", .rule = everything}};
}

inline void add_asterisk_methods(control::MethodTable& table) {
  table.add(control::operation_methods());
  table.add(control::verbs());
}

// ARI's operations and the verbs.
inline const control::MethodTable& asterisk_methods() {
  static const auto table = [] {
    auto made = std::make_unique<control::MethodTable>();
    add_asterisk_methods(*made);
    return made;
  }();
  return *table;
}

inline Result<std::string> text_of(const Result<pbx::ResultText>& answer) {
  if (!answer) return answer.error();
  return answer->str();
}

// Rules of two users, and whether one allows a method of an Asterisk with these parameters.
inline const control::AccessRule control_rule{.name = "control", .methods = {"read", "control"}};
inline const control::AccessRule admin_rule{
    .name = "owner", .methods = {"read", "control", "admin"}, .functions = {"*"}};
inline bool allows(const control::AccessRule& rule, const std::string& name, const std::string& params) {
  return control::check_access(rule, *asterisk_methods().find(name), *parse_json(params)).ok();
}

}  // namespace aribus::test
