// Parsing into a document that has its memory from its owner.
#pragma once

#include <string_view>

#include "json/json.h"

namespace aribus {

// As parse_json(). With an error `document` is null.
[[nodiscard]] Result<void> parse_into(Json& document, std::string_view text, size_t max_values);

}  // namespace aribus
