// Certificates in files.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace aribus {

// The validity of a certificate.
struct CertificateDates {
  WallTime from;
  WallTime until;
};

// A callback for OpenSSL's PEM readers: encrypted files are an error, no passphrase is asked for.
int no_passphrase(char* to, int size, int writing, void* data);

// Reads all certificates of a PEM file, at least one, in their order. Errors: invalid_params when it has none
// or a damaged one; system when it can't be read.
[[nodiscard]] Result<std::vector<CertificateDates>> read_certificates(const std::string& file);

}  // namespace aribus
