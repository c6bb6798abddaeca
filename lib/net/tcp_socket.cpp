#include "net/tcp_socket.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "net/numeric_address.h"

namespace aribus {
Result<Fd> listen_on_tcp(const std::string& address, int& port, int backlog) {
  std::optional<NumericAddress> bound = numeric_address(address, port);
  if (!bound) return Error{ErrorKind::invalid_params, "a numeric address is expected", {}};
  Fd socket(::socket(bound->bytes.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  if (socket.valid()) ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (!socket.valid() || ::bind(socket.get(), bound->raw(), bound->size) != 0 ||
      ::listen(socket.get(), backlog) != 0) {
    return system_error("socket");
  }
  ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&bound->bytes), &bound->size);
  // sin_port is at the same offset in both families.
  port = ntohs(reinterpret_cast<const sockaddr_in*>(&bound->bytes)->sin_port);
  return socket;
}

}  // namespace aribus
