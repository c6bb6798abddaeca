// One Asterisk of the configuration.
#pragma once

#include <cstdint>
#include <string>

#include "ari/client.h"

namespace aribus::pbx {

struct ServerOptions {
  std::string name = "asterisk";  // in records and in the `server` parameter of commands
  ari::ClientOptions client;
  uint64_t tls_files = 0;  // a hash of the contents of the files that `client.tls` names, when they were read

  bool operator==(const ServerOptions&) const = default;
};

}  // namespace aribus::pbx
