// How much each user takes of what its rule allows.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <utility>

#include "base/result.h"
#include "control/access.h"

namespace aribus::ipc {

// Counts by rule and user, over all connections. Lives on the loop's thread.
class Usage {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // A connection that counts, for as long as this is there. Must not outlive the Usage.
  class Connection {
   public:
    Connection() = default;
    Connection(Usage& usage, std::string rule, uid_t user) : usage_(&usage), key_(std::move(rule), user) {}
    Connection(Connection&& other) noexcept
        : usage_(std::exchange(other.usage_, nullptr)), key_(std::move(other.key_)) {}
    Connection& operator=(Connection&& other) noexcept {
      std::swap(usage_, other.usage_);
      std::swap(key_, other.key_);
      return *this;
    }
    ~Connection() {
      if (usage_ != nullptr) --usage_->users_.at(key_).connections;
    }

   private:
    Usage* usage_ = nullptr;
    std::pair<std::string, uid_t> key_;
  };

  // Another connection of this caller. Errors: too_much.
  [[nodiscard]] Result<Connection> connect(const control::Caller& caller, Time now);
  // Another request. After a quiet second as many may come at once as come in a second. Errors: too_much.
  [[nodiscard]] Result<void> request(const control::Caller& caller, Time now);

  [[nodiscard]] size_t size() const { return users_.size(); }

 private:
  struct User {
    size_t connections = 0;
    double spent = 0;  // requests, less those of the time since
    Time at = {};      // when that was reckoned
  };
  using Key = std::pair<std::string, uid_t>;  // the rule's name

  static Key key_of(const control::Caller& caller) { return {caller.rule->name, caller.peer.uid}; }
  void forget_idle(Time now);

  std::map<Key, User> users_;
};

}  // namespace aribus::ipc
