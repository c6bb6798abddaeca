// The daemon's own records, for subscribers whose rule is limited to applications.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "bus/filter.h"
#include "control/dispatcher.h"

namespace aribus::session {

// What `rule` shows of a record without an application, number `seq`, whose line in the log is `line`. Such a
// record can name objects of applications that the rule hides: their ids are left out, and `filter` is
// applied to the ids that are left. Returns the line to send, or "" when the subscriber gets nothing of it.
[[nodiscard]] std::string visible_line(std::string_view line, uint64_t seq, const bus::Filter& filter,
                                       const control::Dispatcher& dispatcher,
                                       const control::AccessRule& rule);

}  // namespace aribus::session
