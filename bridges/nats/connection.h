// A connection to NATS, by libnats.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"

typedef struct __natsConnection natsConnection;
typedef struct __natsMsg natsMsg;

namespace aribus::nats {

struct NatsOptions {
  std::string url = "nats://127.0.0.1:4222";  // several, with commas between them: of one cluster
  std::string credentials{};                  // a file as `nsc` makes it; "": none
  std::string user{}, password{};
  std::string ca_file{}, cert_file{}, key_file{};  // TLS, also asked for by tls:// in `url`

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

// Connects. The connection does not reconnect: after an error, or once it is not connected any more, it is of
// no further use, and another one is made. So nothing waits in libnats for a server that comes back.
// `at_once`: what is published is sent at once, and not up to a millisecond later, together with what
// follows. Errors: not_connected, with the reason.
[[nodiscard]] Result<Connection> connect(const NatsOptions& options, bool at_once = false);
[[nodiscard]] bool is_connected(natsConnection* connection);

// What the server has last refused to this user, as the end of a sentence with the cure; "": nothing.
[[nodiscard]] std::string complaint(natsConnection* connection);

// Whether the server has let a subscription to `subject` be, which was made just before. Errors: not_allowed;
// not_connected.
[[nodiscard]] Result<void> check_permitted(natsConnection* connection, const std::string& subject);
// The same of a message that was published to `subject` just before.
[[nodiscard]] Result<void> check_published(natsConnection* connection, const std::string& subject);

// What failed and libnats' reason, which it keeps for each thread. `status` is its natsStatus.
[[nodiscard]] Error not_connected(const std::string& what, int status);

}  // namespace aribus::nats
