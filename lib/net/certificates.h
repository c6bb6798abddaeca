// Certificates in files.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace aribus {

// When a certificate is valid.
struct CertificateDates {
  WallTime from;
  WallTime until;
};

// For OpenSSL, where it reads a file of PEM: nobody is asked for the passphrase of an encrypted one.
int no_passphrase(char* to, int size, int writing, void* data);

// Reads all certificates of a file of PEM, in its order: at least one. Errors: invalid_params, when there is
// none in it, or one that is damaged; system, when it can't be read.
[[nodiscard]] Result<std::vector<CertificateDates>> read_certificates(const std::string& file);

}  // namespace aribus
