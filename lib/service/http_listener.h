// HTTP for monitoring.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/acceptor.h"
#include "net/loop.h"
#include "net/unix_socket.h"

namespace aribus::service {

struct HttpOptions {
  std::string address;  // numeric; "": a Unix socket
  int port = 0;         // 0: any
  SocketOptions socket;

  bool operator==(const HttpOptions&) const = default;
};

// Answers GET and HEAD with libwebsockets, which runs on our loop. When there are 64 connections, the one
// that has been idle longest is closed for a new one, so that nobody can keep monitoring out. At a TCP
// address, the Host of a request must be a numeric address, `localhost` or this machine's name. Belongs to
// the loop's thread.
class HttpListener {
 public:
  struct Answer {
    int status = 200;
    const char* content_type = "text/plain; charset=utf-8";
    std::string body;
  };
  // Called with the path of each request without its query.
  using Handle = std::function<Answer(std::string_view path)>;

  HttpListener(Loop& loop, Handle handle);
  ~HttpListener();
  HttpListener(const HttpListener&) = delete;
  HttpListener& operator=(const HttpListener&) = delete;

  // Listens there and stops listening elsewhere; without options it listens nowhere. An error changes
  // nothing. Errors: system, invalid_params (see listen_on).
  [[nodiscard]] Result<void> listen(const std::optional<HttpOptions>& options);
  // The port of the TCP address; 0 without one.
  [[nodiscard]] int port() const { return port_; }

 private:
  class Context;

  Loop& loop_;
  Handle handle_;
  std::unique_ptr<Context> context_;  // made when it is first needed
  std::optional<HttpOptions> options_;
  int port_ = 0;
  SocketFile file_;
  std::unique_ptr<Acceptor> acceptor_;
};

}  // namespace aribus::service
