#include "bus/resume.h"

#include "bus/cursor.h"

namespace aribus::bus {
namespace {

// Why `log` can't continue after `cursor`, or "".
std::string obstacle(const RecordLog& log, const std::optional<Cursor>& cursor, bool from_oldest) {
  if (!cursor) return "no cursor of the form <stream>:<seq>";
  if (cursor->stream != log.stream())
    return "the stream started afresh since; it is " + log.stream() + " now";
  if (cursor->seq >= log.next())
    return "the cursor is ahead of the stream, which ends at " + std::to_string(log.next() - 1);
  if (cursor->seq + 1 < log.first() && !from_oldest)
    return "the ring no longer holds what follows it; its oldest record is " + std::to_string(log.first());
  return {};
}

}  // namespace

Start start_of(const RecordLog& log, const std::optional<std::string>& since, bool from_oldest) {
  Start start{.next = from_oldest ? 1 : log.next(), .may_lose_from = log.first(), .reason = {}};
  if (!since) return start;
  const std::optional<Cursor> cursor = Cursor::parse(*since);
  start.reason = obstacle(log, cursor, from_oldest);
  if (start.reason.empty()) start.next = start.may_lose_from = cursor->seq + 1;
  return start;
}

}  // namespace aribus::bus
