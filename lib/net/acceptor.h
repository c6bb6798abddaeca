// Accepts connections from a listening socket.
#pragma once

#include <functional>

#include "base/fd.h"
#include "base/log.h"
#include "net/loop.h"

namespace aribus {

// Accepts a few connections per turn of the loop; the others wait in the system's queue, so that a burst does
// not block the loop. While the system has no descriptors or memory left, connections wait in the queue and
// accepting is tried again every 200 ms; that is logged once, and at most once a second when it comes and
// goes. Belongs to the loop's thread; `accepted` must not destroy it.
class Acceptor {
 public:
  // `listening` is a non-blocking socket that listens; accepted sockets do not block either.
  Acceptor(Loop& loop, Fd listening, std::function<void(Fd)> accepted);

 private:
  void accept();
  void pause();

  Fd socket_;
  std::function<void(Fd)> accepted_;
  RareWarnings warnings_;
  bool said_full_ = false;  // it was logged that no more connections can be accepted
  Timer resume_;
  Poll poll_;  // the last member: it watches socket_ and must be destroyed first
};

}  // namespace aribus
