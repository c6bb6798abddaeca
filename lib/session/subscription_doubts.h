// What of a subscription can't match anything, as far as is known.
#pragma once

#include <string>
#include <vector>

#include "bus/filter.h"
#include "control/dispatcher.h"

namespace aribus::session {

// A text for each type, application, server and endpoint in `wanted` that nothing known matches, with what
// was probably meant; at most ten, and one that says that there are more. Applications that `rule` hides are
// not named. Types may be unknown and right: newer versions of Asterisk have more.
[[nodiscard]] std::vector<std::string> doubts_about(const bus::FilterOptions& wanted,
                                                    const control::Dispatcher& dispatcher,
                                                    const control::AccessRule& rule);

}  // namespace aribus::session
