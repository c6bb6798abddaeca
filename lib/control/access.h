// The list of all access rules.
#pragma once

#include <memory>
#include <vector>

#include "control/access_rule.h"
#include "control/peer.h"

namespace aribus::control {

// All rules in order; the first one that applies to a peer decides. A value: a reload replaces the whole
// list, and callers keep the rule that they were given.
class Access {
 public:
  // Nobody may do anything.
  Access() = default;
  explicit Access(std::vector<AccessRule> rules);
  // The rules of a configuration without `access`: root and the user of this process may do everything,
  // others "read" and "control".
  [[nodiscard]] static Access standard();

  // nullptr if none applies.
  [[nodiscard]] std::shared_ptr<const AccessRule> rule_for(const Peer& peer) const;
  [[nodiscard]] const std::vector<std::shared_ptr<const AccessRule>>& rules() const { return rules_; }
  // The same rules in the same order.
  [[nodiscard]] bool operator==(const Access& other) const;

 private:
  std::vector<std::shared_ptr<const AccessRule>> rules_;
};

}  // namespace aribus::control
