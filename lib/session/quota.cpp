#include "session/quota.h"

#include <algorithm>

#include "json/json.h"

namespace aribus::session {
namespace {

Error too_much(const std::string& message, size_t limit, const std::string& rule) {
  return Error{ErrorKind::too_much, message, render([&](JsonWriter& writer) {
                 writer.StartObject();
                 write_key(writer, "limit");
                 writer.Uint64(limit);
                 write_member(writer, "rule", rule);
                 writer.EndObject();
               })};
}

}  // namespace

Quota::Held::Held(Quota& quota, control::PrincipalId user, std::shared_ptr<const void> shared, size_t bytes)
    : quota_(&quota), user_(user), shared_(std::move(shared)) {
  Memory::Shared& held = quota.memory_[user].shared[shared_.get()];
  if (held.count++ > 0) return;
  held.bytes = bytes;
  quota.change(user, 0, bytes);
}

Quota::Held& Quota::Held::operator=(Held&& other) noexcept {
  std::swap(quota_, other.quota_);
  std::swap(user_, other.user_);
  std::swap(bytes_, other.bytes_);
  std::swap(shared_, other.shared_);
  return *this;
}

Quota::Held::~Held() {
  if (quota_ == nullptr) return;
  set(0);
  if (!shared_) return;
  Memory& memory = quota_->memory_[user_];
  const auto at = memory.shared.find(shared_.get());
  if (--at->second.count > 0) return;
  const size_t bytes = at->second.bytes;
  memory.shared.erase(at);
  quota_->change(user_, bytes, 0);
}

void Quota::Held::update(size_t bytes) {
  if (quota_ == nullptr) return;
  quota_->change(user_, std::exchange(quota_->memory_[user_].shared.at(shared_.get()).bytes, bytes), bytes);
}

void Quota::Held::set(size_t bytes) {
  if (bytes == bytes_) return;
  quota_->change(user_, bytes_, bytes);
  bytes_ = bytes;
}

void Quota::change(control::PrincipalId user, size_t less, size_t more) {
  Memory& memory = memory_[user];
  memory.bytes += more - less;
  held_bytes_ += more - less;
  if (memory.bytes == 0 && memory.shared.empty()) memory_.erase(user);
}

size_t Quota::held_bytes(control::PrincipalId user) const {
  const auto at = memory_.find(user);
  return at == memory_.end() ? 0 : at->second.bytes;
}

size_t Quota::more_bytes(control::PrincipalId user, const void* shared, size_t bytes) const {
  const auto at = memory_.find(user);
  return at != memory_.end() && at->second.shared.contains(shared) ? 0 : bytes;
}

size_t Quota::connections(control::PrincipalId user) const {
  size_t count = 0;
  for (const auto& [key, counted] : users_) {
    if (key.second == user) count += counted.connections;
  }
  return count;
}

Result<Quota::Connection> Quota::connect(const control::Caller& caller, Time now) {
  const control::AccessRule& rule = *caller.principal.rule;
  forget_idle(now);
  User& user = users_[key_of(caller)];
  if (rule.connections != 0 && user.connections >= rule.connections) {
    return too_much("the access rule '" + rule.name + "' allows a user " + std::to_string(rule.connections) +
                        " connections at a time, and there are as many",
                    rule.connections, rule.name);
  }
  ++user.connections;
  return Connection(*this, rule.name, caller.principal.id);
}

Result<void> Quota::request(const control::Caller& caller, Time now) {
  const control::AccessRule& rule = *caller.principal.rule;
  if (rule.commands_per_second == 0) return {};
  const auto rate = static_cast<double>(rule.commands_per_second);
  User& user = users_[key_of(caller)];
  const double since = std::chrono::duration<double>(now - user.at).count();
  user.spent = std::max(0.0, user.spent - since * rate);
  user.at = now;
  if (user.spent + 1 > rate) {
    return too_much("the access rule '" + rule.name + "' allows a user " +
                        std::to_string(rule.commands_per_second) + " requests a second; try again later",
                    rule.commands_per_second, rule.name);
  }
  user.spent += 1;
  return {};
}

// What was spent is refilled within a second.
void Quota::forget_idle(Time now) {
  std::erase_if(users_, [&](const auto& entry) {
    return entry.second.connections == 0 && now - entry.second.at > std::chrono::seconds(1);
  });
}

}  // namespace aribus::session
