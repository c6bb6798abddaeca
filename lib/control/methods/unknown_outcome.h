// What the error of a command with an unknown outcome says, and how the outcome is found out.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "pbx/server.h"

namespace aribus::control {

// Starts the follow-up of command `number` of server.resolver(), which creates the object `id`, and
// completes its outcome_unknown error: `data` gets the id as `id_name` and the follow-up's name as `command`.
// A record command.resolved with that name reports the outcome later. Without `command` there is no
// follow-up: too many are in progress. `made`: it is known that the object was created.
[[nodiscard]] Error follow_up(pbx::Server& server, Error error, uint64_t number, std::string_view id_name,
                              std::string_view id, bool made = false);

}  // namespace aribus::control
