// Decides which waiting request is sent next when a connection is free.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>

#include "net/requester.h"

namespace aribus {

// Shares `connections` fairly. Users take turns; the connections of a user take turns; requests of one
// connection keep their order. Requests of a user that change something go before those that only read, but
// at most 4 in a row while reads that may be sent are waiting.
//
// Of N connections (3 or more), one is reserved for requests that change something and one for admin. A user
// gets at most N - 2 at once, and the last of these (N of 4 or more) is reserved for requests that change
// something. With N = 2 a user gets one; with N = 1 users take turns and nothing is reserved. The daemon's
// own requests may use all connections and take turns like a user.
//
// Handles numbers only; the caller has the requests and bounds their number.
class RequestQueue {
 public:
  using Id = uint64_t;
  static constexpr unsigned changes_in_a_row = 4;

  // Required: connections >= 1.
  explicit RequestQueue(size_t connections) : connections_(connections) {}

  // Adds a request; `changes`: it is no GET.
  Id push(const Requester& from, bool changes);
  // The next request to send, which now has a connection; nothing if none may be sent.
  std::optional<Id> next();
  // A request no longer waits, or gives its connection back.
  void remove(Id id);

  [[nodiscard]] size_t waiting() const { return waiting_.size(); }
  [[nodiscard]] size_t under_way() const { return under_way_.size(); }

 private:
  struct Request {
    Requester from;
    bool changes = false;
  };
  // A user's waiting requests that change something, or those that only read.
  struct Lane {
    std::map<uint64_t, std::set<Id>> by_connection;
    std::deque<uint64_t> turns;  // its keys, the next one first
  };
  struct User {
    Lane changes, reads;
    unsigned changes_in_a_row = 0;
    size_t under_way = 0;
    size_t reads_under_way = 0;
  };

  [[nodiscard]] std::optional<Id> next_of(User& user);
  [[nodiscard]] std::optional<Id> take(Lane& lane, const User& user);
  [[nodiscard]] bool may_start(const Request& request, const User& user) const;
  void count(const Request& request, size_t change);
  void forget_if_idle(uint64_t user);

  size_t connections_;
  Id last_ = 0;
  std::map<Id, Request> waiting_;
  std::map<Id, Request> under_way_;
  std::map<uint64_t, User> users_;
  std::deque<uint64_t> turns_;  // of users_: those that have something waiting, the next one first
  size_t reads_ = 0;            // under way, without the daemon's own
  size_t not_admins_ = 0;
  size_t not_admins_reads_ = 0;
};

}  // namespace aribus
