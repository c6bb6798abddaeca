// Which Asterisk a command is for that does not say so.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "control/method.h"
#include "json/json.h"
#include "pbx/server.h"
#include "record/ids.h"
#include "state/id_directory.h"

namespace aribus::control {

// Whether the caller may be told that this object lives on that Asterisk.
using SeesId = std::function<bool(const pbx::Server&, record::IdKind, std::string_view id)>;

// The server among `servers` that has every object named in `params`. Ids are looked at in this order, until
// one decides: live objects that the caller may see, other live objects, ids that were last known on a server
// (`known`), ids of objects that `method` is about to make. Errors: invalid_params, when no id decides or the
// ids are on several servers; the message names only objects that the caller may see.
[[nodiscard]] Result<pbx::Server*> choose_server(const std::vector<pbx::Server*>& servers,
                                                 const state::IdDirectory& known, const Method& method,
                                                 const JsonValue& params, const SeesId& sees);

}  // namespace aribus::control
