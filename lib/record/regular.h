// ARI's JSON made regular: times in RFC 3339 UTC, numbers as numbers, absent rather than null, causes with a
// text.
#pragma once

#include <string>
#include <string_view>

#include "ari/schema.h"
#include "base/json.h"

namespace aribus::record {

// Where and why `value` is not what ARI declares for `model`, as "channel.caller: an object is expected, not
// a string", or "" when it is. Fields that are not declared are no fault.
[[nodiscard]] std::string find_fault(const JsonValue& value, const ari::Model& model);

// `field` of `model` is declared as a string and is a number in truth: it is written as one.
[[nodiscard]] bool is_number_field(const ari::Model& model, std::string_view field);

// Writes `value`, of `type` (`model` for Type::model), regular. What is not of its type, or not declared, is
// written as it is.
void write_regular(JsonWriter& writer, const JsonValue& value, ari::Type type, const ari::Model* model);

// Writes one member of an object of `model` regular, with what goes with it; nothing when it is null.
void write_regular_member(JsonWriter& writer, const JsonValue& object, std::string_view name,
                          const JsonValue& value, const ari::Model& model);

}  // namespace aribus::record
