// Which user of this machine listens at the address that a request, and with it a password, is about to go
// to.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include <sys/types.h>

#include "base/result.h"

namespace aribus {

// A numeric address without the brackets of IPv6, and a port.
struct SocketAddress {
  std::string address;
  int port = 0;
};

// Both ends of a TCP connection, ours first. Both are empty when `socket` has ended.
[[nodiscard]] std::pair<SocketAddress, SocketAddress> addresses_of(int socket);

// Whether a password may be sent over the established connection from `local` to `remote`. Errors:
// not_connected.
using MaySend = std::function<Result<void>(const SocketAddress& local, const SocketAddress& remote)>;

// The user as which the server is to run.
struct ListenerUser {
  std::string name;  // as the configuration has it
  uid_t id = 0;

  bool operator==(const ListenerUser&) const = default;
};

// Asks the kernel (sock_diag(7), which answers at once) which user owns the other end of a connection. Any
// user of the machine can listen on a port above 1023 while the server does not run, and would get the
// password.
//
// Connections that leave the machine or its network namespace are not checked.
class ListenerCheck {
 public:
  // With a `user`, all sockets that listen there, and the one that accepted the connection, must be that
  // user's. Without one, root, this process' own user and the user named `asterisk` are accepted; any other
  // is reported to `warn`, once until it changes, and the connection is used.
  ListenerCheck(std::optional<ListenerUser> user, std::function<void(const std::string& text)> warn)
      : user_(std::move(user)), warn_(std::move(warn)) {}

  // As MaySend. Errors, only with a `user`: another user listens there, nobody does any more, or the kernel
  // does not answer.
  [[nodiscard]] Result<void> operator()(const SocketAddress& local, const SocketAddress& remote);

 private:
  [[nodiscard]] bool is_right(uid_t found) const;

  std::optional<ListenerUser> user_;
  std::function<void(const std::string&)> warn_;
  std::string warned_;  // of what, the last time
};

}  // namespace aribus
