#include "ipc/usage.h"

#include <algorithm>

#include "base/json.h"

namespace aribus::ipc {
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

Result<Usage::Connection> Usage::connect(const control::Caller& caller, Time now) {
  const control::AccessRule& rule = *caller.rule;
  forget_idle(now);
  User& user = users_[key_of(caller)];
  if (rule.connections != 0 && user.connections >= rule.connections) {
    return too_much("the access rule '" + rule.name + "' allows a user " + std::to_string(rule.connections) +
                        " connections at a time, and there are as many",
                    rule.connections, rule.name);
  }
  ++user.connections;
  return Connection(*this, rule.name, caller.peer.uid);
}

Result<void> Usage::request(const control::Caller& caller, Time now) {
  const control::AccessRule& rule = *caller.rule;
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

// What was spent is made good within a second.
void Usage::forget_idle(Time now) {
  std::erase_if(users_, [&](const auto& entry) {
    return entry.second.connections == 0 && now - entry.second.at > std::chrono::seconds(1);
  });
}

}  // namespace aribus::ipc
