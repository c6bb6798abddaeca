// Resolves host names without blocking the loop.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "net/loop.h"
#include "net/thread_request.h"

namespace aribus {

// Looks up one name at a time on libuv's threads. libuv gives look-ups half of its threads at most: a dead
// name server leaves the other half to other work.
class DnsResolver {
 public:
  // `addresses` are in the order in which to try them, 16 at most; when there are none, `error` says why.
  using Done = std::function<void(std::vector<std::string> addresses, std::string error)>;

  DnsResolver() = default;
  ~DnsResolver() { cancel(); }
  DnsResolver(const DnsResolver&) = delete;
  DnsResolver& operator=(const DnsResolver&) = delete;

  // Looks up `host`, a name or an address, and calls `done` once: from within start() for an address and when
  // the look-up can't begin. A look-up under way is cancelled.
  void start(Loop& loop, const std::string& host, Done done);
  // `done` will not be called.
  void cancel() { request_.cancel(); }

 private:
  using Request = detail::ThreadRequest<uv_getaddrinfo_t, Done>;
  static void finished(uv_getaddrinfo_t* raw, int status, addrinfo* found);

  Request request_;
};

}  // namespace aribus
