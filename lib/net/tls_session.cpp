#include "net/tls_session.h"

#include <algorithm>
#include <limits>
#include <new>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "net/certificates.h"

namespace aribus {
namespace {

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
struct FreeSsl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

// The oldest error of OpenSSL's queue, which is emptied.
std::string openssl_error() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* reason = ERR_reason_error_string(code);
  return reason == nullptr ? "unknown error" : reason;
}

// For verify_host without verify_peer: only what is wrong with the name counts.
int only_the_name_counts(int fine, X509_STORE_CTX* store) {
  const int fault = X509_STORE_CTX_get_error(store);
  const bool wrong_name = fault == X509_V_ERR_HOSTNAME_MISMATCH || fault == X509_V_ERR_IP_ADDRESS_MISMATCH;
  return fine == 1 || !wrong_name ? 1 : 0;
}

bool is_numeric(const std::string& host) {
  unsigned char bytes[sizeof(in6_addr)];
  return ::inet_pton(AF_INET, host.c_str(), bytes) == 1 || ::inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

int size_for_openssl(size_t size) {
  return static_cast<int>(std::min<size_t>(size, std::numeric_limits<int>::max()));
}

}  // namespace

struct TlsSession::Ssl {
  explicit Ssl(SSL_CTX* context)
      : ssl(SSL_new(context)), in(BIO_new(BIO_s_mem())), out(BIO_new(BIO_s_mem())) {
    if (!ssl || in == nullptr || out == nullptr) throw std::bad_alloc();
    SSL_set_bio(ssl.get(), in, out);
    BIO_set_mem_eof_return(in, -1);                       // empty means "not yet"
    SSL_set_options(ssl.get(), SSL_OP_NO_RENEGOTIATION);  // so that writing never waits for reading
  }

  std::unique_ptr<SSL, FreeSsl> ssl;  // which holds the context
  BIO* in;                            // owned by ssl
  BIO* out;
};

struct TlsServer::Context {
  std::unique_ptr<SSL_CTX, FreeContext> context;
};

TlsServer::TlsServer(std::unique_ptr<Context> context) : context_(std::move(context)) {}
TlsServer::~TlsServer() = default;

Result<std::unique_ptr<TlsServer>> TlsServer::make(const TlsServerOptions& options) {
  ERR_clear_error();
  const auto wrong = [](const std::string& what) {
    return Error{ErrorKind::invalid_params, what + ": " + openssl_error(), {}};
  };
  auto made = std::make_unique<Context>();
  made->context.reset(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* context = made->context.get();
  if (context == nullptr) throw std::bad_alloc();
  if (SSL_CTX_use_certificate_chain_file(context, options.certificate_file.c_str()) != 1) {
    return wrong("the certificate in " + options.certificate_file + " can't be read");
  }
  SSL_CTX_set_default_passwd_cb(context, no_passphrase);
  if (SSL_CTX_use_PrivateKey_file(context, options.key_file.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context) != 1) {
    return wrong("the key in " + options.key_file +
                 " can't be read, is encrypted, or is not the certificate's");
  }
  return std::unique_ptr<TlsServer>(new TlsServer(std::move(made)));
}

TlsSession::TlsSession(std::unique_ptr<Ssl> ssl) : ssl_(std::move(ssl)) {}
TlsSession::~TlsSession() = default;

Result<std::unique_ptr<TlsSession>> TlsSession::make(const TlsOptions& options, const std::string& host) {
  ERR_clear_error();
  const std::unique_ptr<SSL_CTX, FreeContext> owned(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* context = owned.get();
  if (context == nullptr) throw std::bad_alloc();
  const int trusted = options.ca_file.empty()
                          ? SSL_CTX_set_default_verify_paths(context)
                          : SSL_CTX_load_verify_locations(context, options.ca_file.c_str(), nullptr);
  if (trusted != 1) {
    return Error{ErrorKind::system,
                 "the certificates in " + (options.ca_file.empty() ? "the system's place" : options.ca_file) +
                     " can't be read: " + openssl_error(),
                 {}};
  }
  auto made = std::make_unique<Ssl>(context);
  SSL* ssl = made->ssl.get();
  SSL_set_connect_state(ssl);
  X509_VERIFY_PARAM* expected = SSL_get0_param(ssl);
  const bool is_address = is_numeric(host);
  if (is_address && options.verify_host) X509_VERIFY_PARAM_set1_ip_asc(expected, host.c_str());
  if (!is_address) SSL_set_tlsext_host_name(ssl, host.c_str());
  if (!is_address && options.verify_host) {
    X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    X509_VERIFY_PARAM_set1_host(expected, host.data(), host.size());
  }
  if (options.verify_peer) {
    SSL_set_verify(ssl, SSL_VERIFY_PEER, nullptr);
  } else if (options.verify_host) {
    SSL_set_verify(ssl, SSL_VERIFY_PEER, only_the_name_counts);
  }
  return std::unique_ptr<TlsSession>(new TlsSession(std::move(made)));
}

std::unique_ptr<TlsSession> TlsSession::accept(const TlsServer& server) {
  auto made = std::make_unique<Ssl>(server.context_->context.get());
  SSL_set_accept_state(made->ssl.get());
  return std::unique_ptr<TlsSession>(new TlsSession(std::move(made)));
}

void TlsSession::feed(std::string_view bytes) {
  BIO_write(ssl_->in, bytes.data(), size_for_openssl(bytes.size()));
}

std::string TlsSession::take_output() {
  std::string bytes(BIO_ctrl_pending(ssl_->out), '\0');
  if (!bytes.empty()) BIO_read(ssl_->out, bytes.data(), size_for_openssl(bytes.size()));
  return bytes;
}

Result<bool> TlsSession::shake_hands() {
  ERR_clear_error();
  SSL* ssl = ssl_->ssl.get();
  const int done = SSL_do_handshake(ssl);
  if (done == 1) return true;
  if (SSL_get_error(ssl, done) == SSL_ERROR_WANT_READ) return false;
  const long verified = SSL_get_verify_result(ssl);
  if (verified != X509_V_OK && SSL_get_verify_mode(ssl) != SSL_VERIFY_NONE) {
    return Error{ErrorKind::refused,
                 std::string("its certificate is refused: ") + X509_verify_cert_error_string(verified),
                 {}};
  }
  return Error{ErrorKind::refused, "TLS fails: " + openssl_error(), {}};
}

Result<size_t> TlsSession::read(char* at, size_t size) {
  ERR_clear_error();
  const int count = SSL_read(ssl_->ssl.get(), at, size_for_openssl(size));
  if (count > 0) return static_cast<size_t>(count);
  switch (SSL_get_error(ssl_->ssl.get(), count)) {
    case SSL_ERROR_WANT_READ:
      return size_t{0};
    case SSL_ERROR_ZERO_RETURN:
      return Error{ErrorKind::not_connected, "the peer ended TLS", {}};
    default:
      return Error{ErrorKind::not_connected, "TLS fails: " + openssl_error(), {}};
  }
}

void TlsSession::write(std::string_view bytes) {
  ERR_clear_error();
  SSL_write(ssl_->ssl.get(), bytes.data(), size_for_openssl(bytes.size()));
}

void TlsSession::end() {
  ERR_clear_error();
  SSL_shutdown(ssl_->ssl.get());
}

}  // namespace aribus
