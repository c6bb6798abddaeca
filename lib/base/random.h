// Random bytes.
#pragma once

#include <cstddef>
#include <string>

namespace aribus {

// `count` cryptographically random bytes.
[[nodiscard]] std::string random_bytes(size_t count);

// `bytes` random bytes as lower-case hexadecimal.
[[nodiscard]] std::string random_hex(size_t bytes);

}  // namespace aribus
