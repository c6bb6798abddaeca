// JSON for people.
#pragma once

#include <string>
#include <string_view>

namespace aribus {

// The JSON text `json`, indented. Required: it is valid.
[[nodiscard]] std::string pretty(std::string_view json);

}  // namespace aribus
