// The names of users.
#pragma once

#include <map>
#include <string>

#include <sys/types.h>

#include "net/background.h"

namespace aribus::session {

// Looks up the names of users on libuv's threads, as the name service may take long, and remembers them for
// ten minutes. Belongs to the loop's thread.
class UserNames {
 public:
  explicit UserNames(Loop& loop) : loop_(loop) {}

  // The name of `user`, or "" while it is not known: its look-up then starts.
  [[nodiscard]] std::string find(uid_t user);

 private:
  struct Entry {
    std::string name;
    Milliseconds until{0};  // on the loop's clock: when it is looked up again
    Background lookup;
  };

  Loop& loop_;
  std::map<uid_t, Entry> names_;
};

}  // namespace aribus::session
