#include "control/access.h"

#include <algorithm>

#include <unistd.h>

namespace aribus::control {

Access::Access(std::vector<AccessRule> rules) {
  for (AccessRule& rule : rules) rules_.push_back(std::make_shared<const AccessRule>(std::move(rule)));
}

Access Access::standard() {
  return Access({{.name = "owner",
                  .users = {0, ::geteuid()},
                  .methods = {"read", "control", "admin"},
                  .functions = {"*"}},
                 {.name = "default", .methods = {"read", "control"}}});
}

bool Access::operator==(const Access& other) const {
  return std::ranges::equal(rules_, other.rules_, [](const auto& a, const auto& b) { return *a == *b; });
}

std::shared_ptr<const AccessRule> Access::rule_for(const Peer& peer) const {
  const auto at = std::ranges::find_if(rules_, [&](const auto& rule) { return rule->holds_for(peer); });
  return at == rules_.end() ? nullptr : *at;
}

}  // namespace aribus::control
