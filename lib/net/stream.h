// A TCP connection with or without TLS, on the loop.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"
#include "net/loop.h"
#include "net/tls_session.h"
#include "net/url.h"

namespace aribus {

// The destructor closes it. Belongs to the loop's thread; the callbacks may destroy it.
class Stream {
 public:
  struct Handlers {
    std::function<void()> connected;  // TLS included
    // The connection failed.
    std::function<void(const std::string& reason)> failed;
    // There is input, or its end.
    std::function<void()> readable;
  };

  // Connects to `address`, one of the url's host, with TLS when the url says so. Errors: system (no
  // descriptors are left, or the certificates can't be read). Other failures are reported to `failed` later.
  static Result<std::unique_ptr<Stream>> connect(Loop& loop, const std::string& address, const Url& url,
                                                 const TlsOptions& tls, Handlers handlers);

  // Wraps an accepted connection; `tls` is the server's side of TLS, or nothing. `connected` and `failed` are
  // called with TLS only.
  static std::unique_ptr<Stream> accept(Loop& loop, Fd socket, std::unique_ptr<TlsSession> tls,
                                        Handlers handlers);

  [[nodiscard]] int socket() const { return socket_.get(); }
  // Replaces the handler `readable`.
  void on_readable(std::function<void()> readable) { handlers_.readable = std::move(readable); }

  // Required below: it is connected.
  // Reads at most `size` bytes. It returns fewer when there are no more yet, or after many TLS messages
  // without data: `readable` is then called again. Errors: not_connected (it has ended).
  Result<size_t> read(char* at, size_t size);
  // Whether read() would return bytes or an error without more input from the socket.
  [[nodiscard]] bool has_more() const { return has_more_; }
  // Sends as much as the socket takes, and the rest later.
  void write(std::string_view bytes);
  [[nodiscard]] size_t unsent_bytes() const { return out_.size() - sent_; }
  // Ends writing, drops all further input, and calls `gone` when the connection has ended.
  void leave(std::function<void()> gone);

  // Ends all callbacks (Retired) and drops what is written from now on.
  void silence() noexcept;

 private:
  enum class State { connecting, shaking_hands, open, silent };

  Stream(Loop& loop, Fd socket, std::unique_ptr<TlsSession> tls, Handlers handlers, State state);
  void on_event(int events);
  void on_connecting();
  void carry_on_handshake();
  void fail(const std::string& reason);
  Result<size_t> receive(char* at, size_t size);
  Result<size_t> receive_tls(char* at, size_t size);
  void flush();

  Fd socket_;
  std::unique_ptr<TlsSession> tls_;
  Handlers handlers_;
  State state_;
  bool has_more_ = false;
  std::string out_;  // what goes to the socket
  size_t sent_ = 0;  // of out_
  Poll poll_;        // the last member: it watches socket_ and must be destroyed first
};

}  // namespace aribus
