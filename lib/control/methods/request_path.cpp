#include "control/methods/request_path.h"

#include <algorithm>

namespace aribus::control {
namespace {

// Whether the segment is "." or "..", percent-encoded or not.
bool climbs(std::string_view segment) {
  size_t dots = 0;
  while (!segment.empty()) {
    const bool encoded = segment.starts_with("%2e") || segment.starts_with("%2E");
    if (!encoded && !segment.starts_with('.')) return false;
    segment.remove_prefix(encoded ? 3 : 1);
    ++dots;
  }
  return dots == 1 || dots == 2;
}

}  // namespace

bool is_safe_path(std::string_view path) {
  for (std::string_view rest = path; !rest.empty();) {
    const size_t end = std::min(rest.find('/'), rest.size());
    if (climbs(rest.substr(0, end))) return false;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return path.starts_with('/') && path.find("%00") == std::string_view::npos &&
         std::ranges::none_of(path,
                              [](unsigned char c) { return c <= ' ' || c >= 0x7F || c == '?' || c == '#'; });
}

}  // namespace aribus::control
