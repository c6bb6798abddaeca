// Takes connections from a listening socket.
#pragma once

#include <functional>

#include "base/fd.h"
#include "base/log.h"
#include "net/loop.h"

namespace aribus {

// Takes a few in one turn of the loop: the others wait in the system's queue, so that many that come at once
// hold nobody up. While the system has no descriptor or memory left, connections wait in the queue, and
// accepting is tried again every 200 ms; that is logged once, and at most once a second when it comes and
// goes. Lives on the loop's thread; `accepted` must not destroy it.
class Acceptor {
 public:
  // Takes a socket that listens and does not block; so do those that it gives.
  Acceptor(Loop& loop, Fd listening, std::function<void(Fd)> accepted);

 private:
  void accept();
  void pause();

  Fd socket_;
  std::function<void(Fd)> accepted_;
  RareWarnings warnings_;
  bool said_full_ = false;  // that no more connections can be accepted
  Timer resume_;
  Poll poll_;  // the last to be made, the first to go: it watches socket_
};

}  // namespace aribus
