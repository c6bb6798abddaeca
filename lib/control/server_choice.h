// Which Asterisk a command goes to.
#pragma once

#include <vector>

#include "base/result.h"
#include "control/access_rule.h"
#include "control/bounds.h"
#include "control/method.h"
#include "json/json.h"
#include "pbx/server.h"
#include "state/id_directory.h"

namespace aribus::control {

// The server among `servers` that a call of `method` with `params` goes to:
// - the one that `named` names, the parameter `server` if it was given;
// - else the only one, if there is only one;
// - else the one that has every object named in `params`. Ids are looked up in this order, until one decides:
//   live objects that `rule` shows, other live objects, ids that were last known on a server (`known`), ids
//   of objects that `method` is about to create.
// Only what `bounds` reaches counts for a rule with `bound_commands`.
// Errors: invalid_params, if `server` is unknown, no id decides, or the ids are on several servers. The
// message names only objects that `rule` shows.
[[nodiscard]] Result<pbx::Server*> choose_server(const std::vector<pbx::Server*>& servers,
                                                 const state::IdDirectory& known, const Method& method,
                                                 const JsonValue* named, const JsonValue& params,
                                                 const AccessRule& rule, const Bounds& bounds);

}  // namespace aribus::control
