// Numeric addresses of IPv4 and IPv6.
#pragma once

#include <optional>
#include <string>

#include <sys/socket.h>

namespace aribus {

struct NumericAddress {
  sockaddr_storage bytes{};
  socklen_t size = 0;

  [[nodiscard]] const sockaddr* raw() const { return reinterpret_cast<const sockaddr*>(&bytes); }
};

// `text` is a numeric address: "127.0.0.1", "::1", "0.0.0.0". Nothing when it is not.
[[nodiscard]] std::optional<NumericAddress> numeric_address(const std::string& text, int port);

[[nodiscard]] bool is_numeric_address(const std::string& text);
// Required: `address` is numeric.
[[nodiscard]] bool is_loopback(const std::string& address);

}  // namespace aribus
