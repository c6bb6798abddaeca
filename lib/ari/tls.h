// How https and wss connections are verified.
#pragma once

#include <string>

namespace aribus::ari {

struct TlsOptions {
  std::string ca_file;      // PEM; "": the system's certificates
  bool verify_peer = true;  // the certificate must come from a known authority
  bool verify_host = true;  // the certificate must be the host's
};

}  // namespace aribus::ari
