// Which calls and bridges a command is about.
#pragma once

#include "control/method.h"
#include "json/json.h"
#include "pbx/assignments.h"
#include "pbx/server.h"

namespace aribus::control {

// The calls of the channels that `params` name, also by a playback or recording on one of them, and the calls
// that the command adds something to; and the bridges that it acts on. What the command creates is not among
// them. Of `ari.request` they are those in the path, the query and the body. Ids that are not known are left
// out: they belong to no call.
[[nodiscard]] pbx::Assignments::Concerned concerned_calls(const pbx::Server& server, const Method& method,
                                                          const JsonValue& params);

}  // namespace aribus::control
