// What methods and parameters mean, in a few words: the only place for these texts. OpenRPC, the reference,
// the tool's help and the types of the client libraries take them from here.
#pragma once

#include <span>
#include <string_view>

#include "control/method.h"

namespace aribus::control {

// In a text, names of methods, parameters, fields and records are in `backticks`, values in 'quotes'. The
// first sentence says what the method does or what the parameter is; the rest are unit, default, values and
// surprises.
struct MethodDescription {
  std::string_view method;     // its name, or the beginning of several names, with '*'
  std::string_view parameter;  // "": the text is about the method itself
  std::string_view text;
};

[[nodiscard]] std::span<const MethodDescription> method_descriptions();

// The description of `parameter` of `method`, or of the method itself: of the entries that match, the one
// with the longest name. A verb without a description of its own has that of its operations. nullptr if there
// is none, which a test reports.
[[nodiscard]] const MethodDescription* description_of(const Method& method, std::string_view parameter = {});

}  // namespace aribus::control
