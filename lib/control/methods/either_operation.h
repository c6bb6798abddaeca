// Verbs that stand for one of two operations, depending on their parameters.
#pragma once

#include <string_view>
#include <vector>

#include "ari/schema.h"
#include "base/result.h"
#include "json/json.h"

namespace aribus::control {

// The parameters of both operations and `more`; those in a path are not required, as they are in one of the
// two only.
[[nodiscard]] std::vector<ari::Parameter> parameters_of_either(std::string_view first,
                                                               std::string_view second,
                                                               std::vector<ari::Parameter> more = {});

// `first` if `params` have `first_id`, `second` if they have `second_id`. Errors: invalid_params for both or
// neither.
[[nodiscard]] Result<const ari::Operation*> pick_operation(const JsonValue& params, std::string_view first_id,
                                                           std::string_view first, std::string_view second_id,
                                                           std::string_view second);

}  // namespace aribus::control
