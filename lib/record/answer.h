// Asterisk's answers, normalized as its events are.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ari/schema.h"
#include "record/id_set.h"

namespace aribus::record {

// The body `json` of an answer that ARI declares as `answer`, normalized; nothing when it is no JSON.
[[nodiscard]] std::optional<std::string> normalized_answer(std::string_view json,
                                                           const ari::ResultType& answer);

// Adds the ids in an answer, a JSON text, to `ids`: objects are recognised by their shape.
void lift_ids(std::string_view json, IdSet& ids);

}  // namespace aribus::record
