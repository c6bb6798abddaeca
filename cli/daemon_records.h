// Sentences for the daemon's own records: about connections to Asterisk and outcomes of commands.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/time.h"
#include "cli/output.h"
#include "json/json.h"

namespace aribus::cli {

// The time of day in UTC, "18:15:09.695Z", with the date in front where it is another day than that of `now`.
[[nodiscard]] std::string time_text(WallTime time, WallTime now);

// Remembers of each Asterisk when it was started, so that a restart of it is told.
class DaemonRecords {
 public:
  // A sentence about a record that came at `now`; empty: it is none of the daemon's own, or says something
  // to a person only when everything is asked for (`all`).
  [[nodiscard]] Text sentence(const JsonValue& record, WallTime now, bool all);

 private:
  [[nodiscard]] Text connected(const JsonValue& record, WallTime now);

  std::map<std::string, std::string, std::less<>> started_;  // startup_time by server
};

}  // namespace aribus::cli
