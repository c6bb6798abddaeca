// A connection to NATS, by libnats.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"

typedef struct __natsConnection natsConnection;
typedef struct __natsMsg natsMsg;

namespace aribus::nats {

struct NatsOptions {
  std::string url = "nats://127.0.0.1:4222";  // or several servers of one cluster, separated by commas
  std::string credentials{};                  // a file made by `nsc`; "": none
  std::string user{}, password{};
  std::string ca_file{}, cert_file{}, key_file{};  // TLS; tls:// in `url` turns it on, too

  bool operator==(const NatsOptions&) const = default;
};

template <typename T, void (*destroy)(T*)>
struct Destroy {
  void operator()(T* pointer) const { destroy(pointer); }
};
void destroy_connection(natsConnection* connection);
void destroy_message(natsMsg* message);
using Connection = std::unique_ptr<natsConnection, Destroy<natsConnection, destroy_connection>>;
using Message = std::unique_ptr<natsMsg, Destroy<natsMsg, destroy_message>>;

// Connects. The connection does not reconnect: after an error, or when it is no longer connected, it must be
// replaced by a new one. So nothing waits inside libnats for a server to come back. `at_once`: messages are
// sent immediately, not batched for up to a millisecond. Errors: not_connected, with the reason.
[[nodiscard]] Result<Connection> connect(const NatsOptions& options, bool at_once = false);
[[nodiscard]] bool is_connected(natsConnection* connection);

// The permission that the server last denied to this user, as the end of a sentence with the cure; "": none.
[[nodiscard]] std::string complaint(natsConnection* connection);

// Checks that the server permits the subscription to `subject` that was just made. Errors: not_allowed;
// not_connected.
[[nodiscard]] Result<void> check_permitted(natsConnection* connection, const std::string& subject);
// The same for a message that was just published to `subject`.
[[nodiscard]] Result<void> check_published(natsConnection* connection, const std::string& subject);

// An error with `what` and libnats' reason, which is thread-local. `status` is a natsStatus.
[[nodiscard]] Error not_connected(const std::string& what, int status);

}  // namespace aribus::nats
