// Parameters are checked before anything is sent.
#pragma once

#include <span>
#include <string_view>

#include "ari/schema.h"
#include "base/result.h"
#include "json/json.h"

namespace aribus::control {

// invalid_params for an array of too many values: "types: at most 256 values are expected, not 300".
[[nodiscard]] Error too_many_values(std::string_view name, size_t most, size_t given);

// invalid_params naming the parameter, what is expected, and what was given: "timeout: an integer is
// expected, not a string". `data` carries the parameter's name.
[[nodiscard]] Error wrong_param(std::string_view name, std::string_view expected,
                                const JsonValue* given = nullptr);

// `params`, an object (null stands for an empty one), holds every required parameter of `declared`, none that
// is not declared and none twice, and each of its type, among its values and in its range. Errors:
// invalid_params, naming the first fault and, for an unknown name or value, the nearest known one.
[[nodiscard]] Result<void> check_params(std::span<const ari::Parameter> declared, const JsonValue& params);

}  // namespace aribus::control
