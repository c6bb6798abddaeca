// Names become addresses without holding up the loop.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "net/loop.h"

namespace aribus {

// One look-up at a time, on libuv's threads.
class DnsResolver {
 public:
  // `addresses` are in the order in which to try them, 16 at most; when there are none, `error` says why.
  using Done = std::function<void(std::vector<std::string> addresses, std::string error)>;

  DnsResolver() = default;
  ~DnsResolver() { cancel(); }
  DnsResolver(const DnsResolver&) = delete;
  DnsResolver& operator=(const DnsResolver&) = delete;

  // Looks `host` up, an address or a name, and calls `done` once, from within start() for an address and for
  // what can't be looked up; a look-up under way is cancelled.
  void start(Loop& loop, const std::string& host, Done done);
  // `done` will not be called.
  void cancel();

  // Whether a look-up is under way, or was given up: libuv's thread waits for it, and so would the end of the
  // program.
  [[nodiscard]] static bool any_under_way();

 private:
  struct Request;
  static void finished(uv_getaddrinfo_t* raw, int status, addrinfo* found);

  Request* request_ = nullptr;
};

}  // namespace aribus
