// Names become addresses without holding up the loop.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/loop.h"

namespace aribus::ari {

// One look-up at a time, on libuv's threads.
class Lookup {
 public:
  // `addresses` are in the order in which to try them; when there are none, `error` says why.
  using Done = std::function<void(std::vector<std::string> addresses, std::string error)>;

  Lookup() = default;
  ~Lookup() { cancel(); }
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;

  // Looks `host` up, an address or a name, and calls `done` once; a look-up under way is cancelled.
  void start(Loop& loop, const std::string& host, Done done);
  // `done` will not be called.
  void cancel();

 private:
  struct Request;
  static void finished(uv_getaddrinfo_t* raw, int status, addrinfo* found);

  Request* request_ = nullptr;
};

}  // namespace aribus::ari
