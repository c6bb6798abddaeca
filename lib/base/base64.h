// Base64 (RFC 4648) with padding.
#pragma once

#include <string>
#include <string_view>

namespace aribus {

// The characters of base64 without the padding, in the order of their values.
inline constexpr std::string_view base64_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

[[nodiscard]] std::string base64(std::string_view bytes);

}  // namespace aribus
