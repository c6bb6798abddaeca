#include "net/numeric_address.h"

#include <uv.h>

namespace aribus {

std::optional<NumericAddress> numeric_address(const std::string& text, int port) {
  NumericAddress address;
  auto* const v4 = reinterpret_cast<sockaddr_in*>(&address.bytes);
  auto* const v6 = reinterpret_cast<sockaddr_in6*>(&address.bytes);
  if (uv_ip4_addr(text.c_str(), port, v4) == 0) {
    address.size = sizeof *v4;
  } else if (uv_ip6_addr(text.c_str(), port, v6) == 0) {
    address.size = sizeof *v6;
  } else {
    return {};
  }
  return address;
}

bool is_numeric_address(const std::string& text) {
  return numeric_address(text, 0).has_value();
}

bool is_loopback(const std::string& address) {
  return address.starts_with("127.") || address == "::1";
}

}  // namespace aribus
