// The url of a server of NATS.
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

// Reads nats://HOST[:PORT] or tls://HOST[:PORT]. A url is shown in the log and in errors, so it must hold no
// password, and an error does not repeat it. Errors: invalid_params.
[[nodiscard]] Result<ServerUrl> parse_server_url(std::string_view text);

// Those of `options` that can be read.
[[nodiscard]] std::vector<ServerUrl> servers_of(const NatsOptions& options);

}  // namespace aribus::nats
