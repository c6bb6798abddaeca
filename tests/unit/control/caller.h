// A caller that may do everything.
#pragma once

#include "control/access.h"

namespace aribus::test {

inline control::Caller a_caller() {
  static const auto everything = std::make_shared<const control::AccessRule>(
      control::AccessRule{.name = "everything", .methods = {"read", "control", "admin"}, .functions = {"*"}});
  return {{}, "tester", everything};
}

}  // namespace aribus::test
