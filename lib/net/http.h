// HTTP requests to one server, with curl's multi-socket interface on our loop.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "net/listener_check.h"
#include "net/loop.h"
#include "net/requester.h"
#include "net/tls.h"
#include "net/url.h"

namespace aribus {

struct HttpOptions {
  Url url;
  std::string username;  // sent in the Authorization header
  std::string password;
  TlsOptions tls;
  Milliseconds connect_timeout{3000};
  int max_connections = 8;               // kept alive and shared by the requests; more requests wait
  size_t max_response_bytes = 64 << 20;  // a recording's bytes come this way
  size_t max_held_bytes = 64 << 20;      // of all answers being received at one time (HeldBytes)
  MaySend may_send = {};                 // asked about each new connection; nothing: always allowed
};

struct HttpRequest {
  std::string method;
  std::string target;  // encoded path and query
  std::string body;    // JSON, or empty
  Milliseconds timeout{10000};
  Requester requester{};
};

struct HttpResponse {
  int status = 0;
  std::string content_type;
  std::string body;

  // Whether the status means success. A redirection does not: redirections are not followed.
  [[nodiscard]] bool succeeded() const { return status >= 200 && status < 300; }
};

// Errors of a sent request, of kind outcome_unknown: there was no answer because of `why`, or it had more
// than `limit` bytes.
[[nodiscard]] Error no_answer(const HttpRequest& request, const std::string& why);
[[nodiscard]] Error too_large(const HttpRequest& request, size_t limit);

// The beginning of an error's message when no byte of the request was sent.
inline constexpr std::string_view nothing_sent = "nothing was sent; ";

// Sends requests concurrently and shares its connections among the requesters (RequestQueue). In one turn of
// the loop, callbacks get 1 ms, at least one of them. Belongs to the loop's thread; requests that are open
// when it is destroyed are dropped without a callback.
class Http {
 public:
  using Done = std::function<void(Result<HttpResponse>)>;

  Http(Loop& loop, HttpOptions options);
  ~Http();

  // Sends one request and calls `done` once, never from within send(). Any HTTP status is a response.
  // Errors: not_connected (nothing was sent), refused (the TLS handshake failed, nothing was sent),
  // outcome_unknown (it was sent and no answer came, or one beyond max_response_bytes, 64 KiB of headers or
  // max_held_bytes), too_much (max_held_bytes was reached by a request that only reads). No request is sent
  // twice: if a kept-alive connection is dead before a byte of the request was sent, a new connection is
  // used; after that, the outcome is unknown.
  void send(HttpRequest request, Done done);

  // For connections made from now on.
  void set_connect_timeout(Milliseconds timeout);
  // Number of requests that wait for an answer.
  [[nodiscard]] size_t open_requests() const;

 private:
  class Multi;
  std::unique_ptr<Multi> multi_;
};

}  // namespace aribus
