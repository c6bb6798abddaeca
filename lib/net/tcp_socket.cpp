#include "net/tcp_socket.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <uv.h>

namespace aribus {
namespace {

// `size` is 0 when the address is not numeric.
sockaddr_storage address_of(const std::string& text, int port, socklen_t& size) {
  sockaddr_storage address{};
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address);
  size = 0;
  if (uv_ip4_addr(text.c_str(), port, v4) == 0) {
    size = sizeof *v4;
  } else if (uv_ip6_addr(text.c_str(), port, v6) == 0) {
    size = sizeof *v6;
  }
  return address;
}

}  // namespace

bool is_numeric_address(const std::string& text) {
  socklen_t size = 0;
  address_of(text, 0, size);
  return size > 0;
}

bool is_loopback(const std::string& address) {
  return address.starts_with("127.") || address == "::1";
}

Result<Fd> listen_on_tcp(const std::string& address, int& port, int backlog) {
  socklen_t size = 0;
  sockaddr_storage bound = address_of(address, port, size);
  if (size == 0) return Error{ErrorKind::invalid_params, "a numeric address is expected", {}};
  Fd socket(::socket(bound.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  if (socket.valid()) ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (!socket.valid() || ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&bound), size) != 0 ||
      ::listen(socket.get(), backlog) != 0) {
    return system_error("socket");
  }
  ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&bound), &size);
  // At the same place in both families.
  port = ntohs(reinterpret_cast<const sockaddr_in*>(&bound)->sin_port);
  return socket;
}

}  // namespace aribus
