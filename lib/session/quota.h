// What each user uses of what its rule allows and of what all users share.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "control/access_rule.h"

namespace aribus::session {

// Counts over all connections of a user; limits of a rule count per rule. Belongs to the loop's thread.
class Quota {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // Memory held for a user while this object exists: waiting requests, unread answers. A text counts once,
  // even when several connections of the user wait for it. Must not outlive the Quota.
  class Held {
   public:
    Held() = default;
    Held(Quota& quota, control::PrincipalId user) : quota_(&quota), user_(user) {}
    Held(Quota& quota, control::PrincipalId user, const std::shared_ptr<const std::string>& text)
        : Held(quota, user, text, text->size()) {}
    // Of something else that several may hold, and that takes so many bytes.
    Held(Quota& quota, control::PrincipalId user, std::shared_ptr<const void> shared, size_t bytes);
    Held(Held&& other) noexcept { *this = std::move(other); }
    Held& operator=(Held&& other) noexcept;
    ~Held();

    // Sets the number of bytes. Required: it was not made from a text.
    void set(size_t bytes);
    // What it was made from takes so many bytes now. Required: it was made from something.
    void update(size_t bytes);

   private:
    Quota* quota_ = nullptr;
    control::PrincipalId user_ = 0;
    size_t bytes_ = 0;
    std::shared_ptr<const void> shared_;
  };

  // Counts a connection while this object exists. Must not outlive the Quota.
  class Connection {
   public:
    Connection() = default;
    Connection(Quota& quota, std::string rule, control::PrincipalId user)
        : quota_(&quota), key_(std::move(rule), user) {}
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
    std::pair<std::string, control::PrincipalId> key_;
  };

  // Counts another connection of this caller. Errors: too_much.
  [[nodiscard]] Result<Connection> connect(const control::Caller& caller, Time now);
  // Counts another request. After a second without requests, a second's share may come at once. Errors:
  // too_much.
  [[nodiscard]] Result<void> request(const control::Caller& caller, Time now);

  // Memory held for all users, and for one.
  [[nodiscard]] size_t held_bytes() const { return held_bytes_; }
  [[nodiscard]] size_t held_bytes(control::PrincipalId user) const;
  // How many bytes something that takes `bytes` would add for a user.
  [[nodiscard]] size_t more_bytes(control::PrincipalId user, const void* shared, size_t bytes) const;

  // Connections of this user under all rules.
  [[nodiscard]] size_t connections(control::PrincipalId user) const;

  [[nodiscard]] size_t size() const { return users_.size(); }

 private:
  struct User {
    size_t connections = 0;
    double spent = 0;  // requests, less those of the time since
    Time at = {};      // when `spent` was computed
  };
  using Key = std::pair<std::string, control::PrincipalId>;  // the rule's name
  struct Memory {
    size_t bytes = 0;
    struct Shared {
      size_t count = 0;  // how often it is held
      size_t bytes = 0;
    };
    std::map<const void*, Shared> shared;
  };

  static Key key_of(const control::Caller& caller) {
    return {caller.principal.rule->name, caller.principal.id};
  }
  void forget_idle(Time now);

  void change(control::PrincipalId user, size_t less, size_t more);

  std::map<Key, User> users_;
  std::map<control::PrincipalId, Memory> memory_;
  size_t held_bytes_ = 0;
};

}  // namespace aribus::session
