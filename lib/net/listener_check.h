// Who gets the password: which user of this machine listens where a request is about to go.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include <sys/types.h>

#include "base/result.h"

namespace aribus {

// An address in figures, without the brackets of IPv6, and a port.
struct SocketAddress {
  std::string address;
  int port = 0;
};

// Of a TCP connection: this end, and the other one. Both empty when `socket` has ended.
[[nodiscard]] std::pair<SocketAddress, SocketAddress> addresses_of(int socket);

// Whether the password may go over a connection from `local` to `remote`, which stands. Errors:
// not_connected.
using MaySend = std::function<Result<void>(const SocketAddress& local, const SocketAddress& remote)>;

// The user that Asterisk runs as.
struct AsteriskUser {
  std::string name;  // as the configuration has it
  uid_t id = 0;

  bool operator==(const AsteriskUser&) const = default;
};

// Asks the kernel (sock_diag(7)), which answers at once, whose the other end of a connection is. For any user
// of the machine may listen on a port above 1023 while Asterisk does not, and would be told the password.
//
// A connection that leaves the machine, or its network namespace, is not looked at.
class ListenerCheck {
 public:
  // With a `user`, all who listen there must be that user, and who has accepted the connection as well.
  // Without one, root, this process' own user and the one named `asterisk` are taken for right; of another
  // `warn` is told, once until it changes, and the connection is used.
  ListenerCheck(std::optional<AsteriskUser> user, std::function<void(const std::string& text)> warn)
      : user_(std::move(user)), warn_(std::move(warn)) {}

  // As MaySend. An error, only with a `user`: another one listens there, nobody does any more, or the kernel
  // does not tell.
  [[nodiscard]] Result<void> operator()(const SocketAddress& local, const SocketAddress& remote);

 private:
  [[nodiscard]] bool is_right(uid_t found) const;

  std::optional<AsteriskUser> user_;
  std::function<void(const std::string&)> warn_;
  std::string warned_;  // of what, the last time
};

}  // namespace aribus
