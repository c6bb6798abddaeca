// The live objects that a program may see, rendered as JSON.
#pragma once

#include <string>
#include <vector>

#include "control/access_rule.h"
#include "control/dispatcher.h"
#include "json/json.h"

namespace aribus::control {

// All live objects visible under `rule`, as a JSON object with a list for each kind whose method
// (state.channels, …) it allows: {"channels":[…],"bridges":[…],…}. `servers`: only objects of these; an empty
// list matches every server. The objects are those of now, whenever the text is written: it is made then, from what
// everybody shares who asked at the same time (state::Model::freeze).
[[nodiscard]] pbx::ResultText live_snapshot(const Dispatcher& dispatcher, const std::vector<std::string>& servers,
                                            const AccessRule& rule);

// The answer of state.channels, state.bridges, …, by `kind`: the objects visible under `rule` that `params`
// (`server`, `id`, `app`, `bridge`) select. Errors: invalid_params for an unknown server.
[[nodiscard]] Result<pbx::ResultText> live_objects(const Dispatcher& dispatcher, const std::string& cursor,
                                                   record::IdKind kind, const JsonValue& params,
                                                   const AccessRule& rule);

// What a member of a group that gets a call is told of it, as far as `rule` shows it: what entered `app` with
// it, the commands about it that are under way, the call, its live channels and their bridges. "null": the
// call has ended.
[[nodiscard]] std::string call_snapshot(const pbx::Assignments& assignments, const std::string& call,
                                        std::string_view app, const AccessRule& rule);

}  // namespace aribus::control
