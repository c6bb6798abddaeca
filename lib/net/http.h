// HTTP requests to one Asterisk: curl's multi-socket interface on our loop.
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
  MaySend may_send = {};                 // asked about each new connection; nothing: it may
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

  // Whether the status says that what was asked for was done. A redirection does not: it is not followed.
  [[nodiscard]] bool succeeded() const { return status >= 200 && status < 300; }
};

// The errors of a request that was sent, of kind outcome_unknown: no answer came, for the reason `why`; or
// one of more than `limit` bytes.
[[nodiscard]] Error no_answer(const HttpRequest& request, const std::string& why);
[[nodiscard]] Error too_large(const HttpRequest& request, size_t limit);

// What the message of an error begins with when no byte of the request was sent.
inline constexpr std::string_view nothing_sent = "nothing was sent; ";

// Sends requests side by side, and shares its connections among those who send them (RequestQueue). Answers
// are handed out for 1 ms in a turn of the loop, at least one. Lives on the loop's thread; requests still
// open when it ends are dropped without a callback.
class Http {
 public:
  using Done = std::function<void(Result<HttpResponse>)>;

  Http(Loop& loop, HttpOptions options);
  ~Http();

  // Sends one request and calls `done` once, never from within send(). Any HTTP status is a response.
  // Errors: not_connected (nothing was sent), refused (nor was it here: there is no TLS that both sides
  // accept), outcome_unknown (it was sent, and no answer came, or one that is over a bound:
  // max_response_bytes, 64 KiB of headers, max_held_bytes), too_much (max_held_bytes, and it only reads). A
  // request is never sent twice: where a kept-alive connection turns out to be dead before a byte of the
  // request was sent, a new connection is taken; after that the outcome is unknown.
  void send(HttpRequest request, Done done);

  // Of connections made from now on.
  void set_connect_timeout(Milliseconds timeout);
  // Requests that wait for an answer.
  [[nodiscard]] size_t open_requests() const;

 private:
  class Multi;
  std::unique_ptr<Multi> multi_;
};

}  // namespace aribus
