// Where a subscription starts, and whether its `since` can be honoured.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "bus/record_log.h"

namespace aribus::bus {

struct Start {
  uint64_t next;  // the seq of the first record that the subscription has not passed
  uint64_t
      may_lose_from;  // records before this seq that the log no longer holds are no loss of this subscriber
  std::string
      reason;  // why the log can't continue after `since`, for people; "" if it does, or without `since`
};

// Where a subscription to `log` starts: after the cursor `since` if the log continues there, otherwise with
// the next record or, with `from_oldest`, with the first one of the stream (seq 1), whether the log holds it
// or not. The log continues after a cursor of its stream if it holds all records behind it; with
// `from_oldest` also if it does not: then the subscriber has lost those between the cursor and the oldest
// one.
[[nodiscard]] Start start_of(const RecordLog& log, const std::optional<std::string>& since, bool from_oldest);

}  // namespace aribus::bus
