// The names of users.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include <sys/types.h>

#include "net/loop.h"

namespace aribus::session {

// Looks names up on libuv's threads, as the name service may take long, and remembers them for ten minutes.
// Lives on the loop's thread.
class UserNames {
 public:
  explicit UserNames(Loop& loop) : loop_(loop) {}
  ~UserNames();
  UserNames(const UserNames&) = delete;
  UserNames& operator=(const UserNames&) = delete;

  // The name of `user`, or "" while it is not known; it is looked up then.
  [[nodiscard]] std::string find(uid_t user);

  // A look-up of any instance is not finished, nor can it be ended.
  [[nodiscard]] static bool any_under_way();

 private:
  struct Request;
  struct Entry {
    std::string name;
    Milliseconds until{0};  // when it is looked up again
    bool asked = false;
  };

  Loop& loop_;
  std::map<uid_t, Entry> names_;
  std::shared_ptr<UserNames*> self_ = std::make_shared<UserNames*>(this);  // nullptr in it after the end
};

}  // namespace aribus::session
