// The methods of members of groups: group.accept, group.decline, group.handover and group.leave.
#pragma once

#include <vector>

#include "control/method.h"
#include "session/find_session.h"

namespace aribus::session {

[[nodiscard]] std::vector<control::Method> group_methods(const FindSession& find);

}  // namespace aribus::session
