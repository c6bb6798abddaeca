// Checks the parameters of a call, before anything is sent.
#pragma once

#include <span>
#include <string_view>

#include "ari/schema.h"
#include "base/result.h"
#include "json/json.h"

namespace aribus::control {

// An error of kind invalid_params for an array with too many values: "types: at most 256 values are expected,
// not 300".
[[nodiscard]] Error too_many_values(std::string_view name, size_t most, size_t given);

// An error of kind invalid_params that names the parameter, what is expected, and what was given: "timeout:
// an integer is expected, not 'x'"; without `given`: "timeout: an integer is missing". `data` contains the
// parameter's name and what is expected.
[[nodiscard]] Error wrong_param(std::string_view name, std::string_view expected,
                                const JsonValue* given = nullptr);

// Checks `params`, an object or null (like an empty object), against `declared`: every required parameter is
// there, none is unknown or given twice, and each has its type, one of its values, and is in its range.
// Errors: invalid_params, which names the first fault and, for an unknown name or value, the most similar
// known one.
[[nodiscard]] Result<void> check_params(std::span<const ari::Parameter> declared, const JsonValue& params);

}  // namespace aribus::control
