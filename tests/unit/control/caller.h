// A caller that may do everything, and the answers that it gets.
#pragma once

#include "control/access.h"
#include "pbx/result_text.h"

namespace aribus::test {

inline control::Caller a_caller() {
  static const auto everything = std::make_shared<const control::AccessRule>(
      control::AccessRule{.name = "everything", .methods = {"read", "control", "admin"}, .functions = {"*"}});
  return {{}, "tester", everything};
}

inline Result<std::string> text_of(const Result<pbx::ResultText>& answer) {
  if (!answer) return answer.error();
  return answer->str();
}

}  // namespace aribus::test
