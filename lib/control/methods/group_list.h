// The method group.list: who owns which call.
#pragma once

#include <cstddef>
#include <functional>

#include "control/access_rule.h"
#include "control/method.h"
#include "groups/groups.h"

namespace aribus::control {

// How many calls an answer shows at most: of one group, and in all. A group's calls that wait come first, as
// groups::CallState has it, and of each state the oldest.
inline constexpr size_t max_listed_calls_of_group = 1'000;
inline constexpr size_t max_listed_calls = 5'000;

// All groups with their members and calls, or the one of the parameter `group`: those that `rule` sees, by
// all of their applications. Takes time with the members, and with the calls that are shown. Without `groups`
// there are none.
[[nodiscard]] Method group_list(std::function<const groups::Groups&()> groups);

}  // namespace aribus::control
