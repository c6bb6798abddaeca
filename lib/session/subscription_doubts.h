// Values of a subscription that can't match anything known.
#pragma once

#include <string>
#include <vector>

#include "bus/filter.h"
#include "control/dispatcher.h"

namespace aribus::session {

// A text for each type, application, server and endpoint in `wanted` that matches nothing known, with a
// suggestion; at most ten, and one that says that there are more. Applications that `rule` hides are not
// named. Unknown types may be right: newer versions of Asterisk have more.
[[nodiscard]] std::vector<std::string> doubts_about(const bus::FilterOptions& wanted,
                                                    const control::Dispatcher& dispatcher,
                                                    const control::AccessRule& rule);

}  // namespace aribus::session
