// How much each user takes of what its rule allows, and of what all share.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include <sys/types.h>

#include "base/result.h"
#include "control/access_rule.h"

namespace aribus::session {

// Counts over all connections of a user, by rule where the rule sets the bound. Lives on the loop's thread.
class Quota {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // Memory that is held for a user, counted for as long as this is there: requests that wait, answers that it
  // has not read. A text counts once, however many of the user's connections wait for it. Must not outlive
  // the Quota.
  class Held {
   public:
    Held() = default;
    Held(Quota& quota, uid_t user) : quota_(&quota), user_(user) {}
    Held(Quota& quota, uid_t user, std::shared_ptr<const std::string> text);
    Held(Held&& other) noexcept { *this = std::move(other); }
    Held& operator=(Held&& other) noexcept;
    ~Held();

    // It is as much as this. Required: it was not made of a text.
    void set(size_t bytes);

   private:
    Quota* quota_ = nullptr;
    uid_t user_ = 0;
    size_t bytes_ = 0;
    std::shared_ptr<const std::string> text_;
  };

  // A connection that counts, for as long as this is there. Must not outlive the Quota.
  class Connection {
   public:
    Connection() = default;
    Connection(Quota& quota, std::string rule, uid_t user) : quota_(&quota), key_(std::move(rule), user) {}
    Connection(Connection&& other) noexcept
        : quota_(std::exchange(other.quota_, nullptr)), key_(std::move(other.key_)) {}
    Connection& operator=(Connection&& other) noexcept {
      std::swap(quota_, other.quota_);
      std::swap(key_, other.key_);
      return *this;
    }
    ~Connection() {
      if (quota_ != nullptr) --quota_->users_.at(key_).connections;
    }

   private:
    Quota* quota_ = nullptr;
    std::pair<std::string, uid_t> key_;
  };

  // Another connection of this caller. Errors: too_much.
  [[nodiscard]] Result<Connection> connect(const control::Caller& caller, Time now);
  // Another request. After a quiet second as many may come at once as come in a second. Errors: too_much.
  [[nodiscard]] Result<void> request(const control::Caller& caller, Time now);

  // What is held for all users, and for one.
  [[nodiscard]] size_t held_bytes() const { return held_bytes_; }
  [[nodiscard]] size_t held_bytes(uid_t user) const;
  // How much more it would be with this text.
  [[nodiscard]] size_t more_bytes(uid_t user, const std::shared_ptr<const std::string>& text) const;

  // Connections of this user under all rules.
  [[nodiscard]] size_t connections(uid_t user) const;

  [[nodiscard]] size_t size() const { return users_.size(); }

 private:
  struct User {
    size_t connections = 0;
    double spent = 0;  // requests, less those of the time since
    Time at = {};      // when that was reckoned
  };
  using Key = std::pair<std::string, uid_t>;  // the rule's name
  struct Memory {
    size_t bytes = 0;
    std::map<const std::string*, size_t> texts;  // how often each is held
  };

  static Key key_of(const control::Caller& caller) { return {caller.rule->name, caller.peer.uid}; }
  void forget_idle(Time now);

  void change(uid_t user, size_t less, size_t more);

  std::map<Key, User> users_;
  std::map<uid_t, Memory> memory_;
  size_t held_bytes_ = 0;
};

}  // namespace aribus::session
