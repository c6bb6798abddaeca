// Which Asterisk a command is for that does not say so.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "control/method.h"
#include "control/upstream.h"
#include "record/ids.h"
#include "state/whereabouts.h"

namespace aribus::control {

// Whether the caller may be told that this object lives on that Asterisk.
using SeesId = std::function<bool(const Upstream&, record::IdKind, std::string_view id)>;

// The one of `servers` on which everything lives that `params` name. What the caller sees counts before what
// it does not see, what lives before where something was last known (`known`), and all of that before the ids
// of what `method` is to make. Errors: invalid_params, when the ids do not say, or live on several; only
// places that the caller sees are told.
[[nodiscard]] Result<Upstream*> choose_server(const std::vector<Upstream*>& servers,
                                              const state::Whereabouts& known, const Method& method,
                                              const JsonValue& params, const SeesId& sees);

}  // namespace aribus::control
