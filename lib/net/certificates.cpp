#include "net/certificates.h"

#include <cstdio>
#include <ctime>
#include <memory>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

namespace aribus {
namespace {

WallTime time_of(const ASN1_TIME* given) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(given, &parts) != 1) return WallTime{};
  return WallTime(std::chrono::seconds(::timegm(&parts)));
}

}  // namespace

int no_passphrase(char*, int, int, void*) {
  return 0;
}

Result<std::vector<CertificateDates>> read_certificates(const std::string& file) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> stream(std::fopen(file.c_str(), "re"), std::fclose);
  if (!stream) return system_error(file);
  ERR_clear_error();
  std::vector<CertificateDates> dates;
  for (;;) {
    const std::unique_ptr<X509, void (*)(X509*)> certificate(
        PEM_read_X509_AUX(stream.get(), nullptr, no_passphrase, nullptr), X509_free);
    if (!certificate) break;
    dates.push_back(
        {time_of(X509_get0_notBefore(certificate.get())), time_of(X509_get0_notAfter(certificate.get()))});
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!at_end) return Error{ErrorKind::invalid_params, "a certificate in it is damaged", {}};
  if (dates.empty()) return Error{ErrorKind::invalid_params, "there is no certificate in it", {}};
  return dates;
}

}  // namespace aribus
