// The daemon's own records, for subscribers whose rule is limited to applications.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bus/filter.h"
#include "bus/record_log.h"
#include "control/dispatcher.h"
#include "record/record.h"

namespace aribus::session {

// Whether a record of this type is one about a call. It may name channels of other applications than its own.
[[nodiscard]] bool is_about_call(std::string_view type);

// What a rule shows of a record of the log that has no application, or is about a call. Such a record can
// name objects of applications that the rule hides: their ids are left out, and the filter is applied to the
// ids that are left. As a record can name very many objects, this is found out in several steps; subscribers
// that look at the same record share what was read of it.
class VisibleLine {
 public:
  // Record `seq` of `log`, which must stay there until the last step.
  VisibleLine(const bus::RecordLog& log, uint64_t seq);

  // Does the next step: one to two milliseconds, the last one some more. Returns the line to send, or "" when
  // the subscriber gets nothing of the record; nothing: there are more steps. Required: the arguments are the
  // same in all of them.
  [[nodiscard]] std::optional<std::string> next(const bus::Filter& filter,
                                                const control::Dispatcher& dispatcher,
                                                const control::AccessRule& rule);

 private:
  const bus::RecordLog& log_;
  uint64_t seq_;
  std::shared_ptr<const record::Record> record_;  // nullptr: it can't be read
  std::vector<bool> shown_;                       // for each of its ids, as far as it is known
};

}  // namespace aribus::session
