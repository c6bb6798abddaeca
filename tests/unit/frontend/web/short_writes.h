// Sockets that take few bytes at a time.
#pragma once

#include <cstddef>
#include <functional>

namespace aribus::test {

// While it exists, each call of send() or sendmsg() for `fd` takes at most `room()` bytes; at 0 the socket is
// full. One at a time.
class ShortWrites {
 public:
  ShortWrites(int fd, std::function<size_t()> room);
  ~ShortWrites();
  ShortWrites(const ShortWrites&) = delete;
  ShortWrites& operator=(const ShortWrites&) = delete;
};

}  // namespace aribus::test
