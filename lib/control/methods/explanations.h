// What methods and parameters mean, in a few words for people: the one place for these texts. OpenRPC, the
// reference, the tool's help and the types of the clients take them from here.
#pragma once

#include <span>
#include <string_view>

#include "control/method.h"

namespace aribus::control {

// In a text, names of methods, parameters, fields and records stand in `backticks`, values in 'quotes'. The
// first sentence says what the method does, or what the parameter is; the rest are unit, default, values and
// surprises.
struct Explanation {
  std::string_view method;     // its name; or how the names of several begin, with '*'
  std::string_view parameter;  // "": the text is about the method itself
  std::string_view text;
};

[[nodiscard]] std::span<const Explanation> explanations();

// What is said about `parameter` of `method`, or about the method itself: of the entries that fit, the one
// whose name is the longest. What is not said of a verb is said of the operations that it is made of. nullptr
// when there is none, which a test finds.
[[nodiscard]] const Explanation* explanation_of(const Method& method, std::string_view parameter = {});

}  // namespace aribus::control
