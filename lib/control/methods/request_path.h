// Paths that are safe to put into a request to ARI.
#pragma once

#include <string_view>

namespace aribus::control {

// `path` is percent-encoded and stays below /ari: it begins with "/", has no segment "." or ".." in any
// encoding, no "%00" (Asterisk's strings end there, so it would act on another object), no "?" and "#", and
// only printable ASCII.
[[nodiscard]] bool is_safe_path(std::string_view path);

}  // namespace aribus::control
