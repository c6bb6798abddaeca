// How https and wss connections are verified.
#pragma once

#include <string>

namespace aribus {

struct TlsOptions {
  std::string ca_file;      // PEM; "": the system's certificates
  bool verify_peer = true;  // the certificate must come from a known authority
  bool verify_host = true;  // the certificate must be the host's
  bool operator==(const TlsOptions&) const = default;
};

// The certificate of a listener.
struct TlsServerOptions {
  std::string certificate_file;  // PEM, with the chain behind it; "": no TLS
  std::string key_file;          // PEM
  bool operator==(const TlsServerOptions&) const = default;
};

}  // namespace aribus
