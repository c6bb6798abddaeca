// TLS by OpenSSL, without a socket.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/tls.h"

namespace aribus {

// What all connections of a listener share: its certificate and key.
class TlsServer {
 public:
  // Errors: invalid_params: the files can't be read, or don't fit each other.
  static Result<std::unique_ptr<TlsServer>> make(const TlsServerOptions& options);
  ~TlsServer();
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

 private:
  friend class TlsSession;
  struct Context;
  explicit TlsServer(std::unique_ptr<Context> context);

  std::unique_ptr<Context> context_;
};

// One side of a TLS connection. Bytes from the socket go in, and bytes for the socket come out.
class TlsSession {
 public:
  // Begins a handshake with `host`, a name or an address. Errors: system: the certificates of `options` can't
  // be read.
  static Result<std::unique_ptr<TlsSession>> make(const TlsOptions& options, const std::string& host);
  // Begins the server's side of a handshake.
  static std::unique_ptr<TlsSession> accept(const TlsServer& server);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  // Takes bytes from the socket.
  void feed(std::string_view bytes);
  // Bytes for the socket.
  [[nodiscard]] std::string take_output();

  // Carries the handshake on; true when it is done. Errors: refused: by either side, with the reason.
  Result<bool> shake_hands();

  // Required below: the handshake is done.
  // Reads at most `size` bytes; 0 when there are none yet. Errors: not_connected (the peer ends the
  // connection, or its bytes are no TLS).
  Result<size_t> read(char* at, size_t size);
  void write(std::string_view bytes);
  // Announces the end of the data to the peer.
  void end();

 private:
  struct Ssl;
  explicit TlsSession(std::unique_ptr<Ssl> ssl);

  std::unique_ptr<Ssl> ssl_;
};

}  // namespace aribus
