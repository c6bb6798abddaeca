// The URL of a NATS server.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "nats/connection.h"

namespace aribus::nats {

struct ServerUrl {
  std::string host;  // a name or an address, without brackets
  int port = 4222;
  bool tls = false;
};

// Reads nats://HOST[:PORT] or tls://HOST[:PORT]. URLs appear in the log and in errors, so they must not
// contain a password, and this error does not quote the URL. Errors: invalid_params.
[[nodiscard]] Result<ServerUrl> parse_server_url(std::string_view text);

// The valid ones of `options`.
[[nodiscard]] std::vector<ServerUrl> servers_of(const NatsOptions& options);

}  // namespace aribus::nats
