// The daemon's own records, for subscribers whose rule is limited to applications.
#pragma once

#include <cstdint>
#include <string>

#include "bus/filter.h"
#include "bus/record_log.h"
#include "control/dispatcher.h"

namespace aribus::session {

// What `rule` shows of record `seq` of the log, which has no application. Such a record can name objects of
// applications that the rule hides: their ids are left out, and `filter` is applied to the ids that are left.
// Returns the line to send, or "" when the subscriber gets nothing of it.
[[nodiscard]] std::string visible_line(const bus::RecordLog& log, uint64_t seq, const bus::Filter& filter,
                                       const control::Dispatcher& dispatcher,
                                       const control::AccessRule& rule);

}  // namespace aribus::session
