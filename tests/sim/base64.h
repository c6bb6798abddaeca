// Base64, by OpenSSL.
#pragma once

#include <string>
#include <string_view>

namespace aribus::sim {

// What `text` encodes, or "" when it is no base64.
[[nodiscard]] std::string base64_decoded(std::string_view text);

}  // namespace aribus::sim
