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

// Answers GET and HEAD, by libwebsockets, which is a guest on the loop. Where there are 64 connections, the
// one that has asked nothing for the longest time makes room for a new one: who wants to know can't be kept
// out. At an address, requests must name a host that is one in figures, `localhost` or this machine's name.
// Lives on the loop's thread.
class HttpListener {
 public:
  struct Answer {
    int status = 200;
    const char* content_type = "text/plain; charset=utf-8";
    std::string body;
  };
  // Called with the path of each request, without its query.
  using Handle = std::function<Answer(std::string_view path)>;

  HttpListener(Loop& loop, Handle handle);
  ~HttpListener();
  HttpListener(const HttpListener&) = delete;
  HttpListener& operator=(const HttpListener&) = delete;

  // Listens there, and nowhere else any more; with nothing: nowhere. On an error all stays as it was.
  // Errors: system, invalid_params (see listen_on).
  [[nodiscard]] Result<void> listen(const std::optional<HttpOptions>& options);
  // Of the address; 0 when there is none.
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
