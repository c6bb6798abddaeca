// The metrics, in Prometheus' text format.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/time.h"
#include "bus/record_log.h"
#include "control/dispatcher.h"
#include "groups/groups.h"
#include "net/loop.h"
#include "net/turn_meter.h"
#include "pbx/server.h"
#include "session/sessions.h"

namespace aribus::daemon {

// Where the metrics come from; `status` reports the same figures.
struct MetricSources {
  const bus::RecordLog& log;
  const control::Dispatcher& dispatcher;
  const session::Sessions& sessions;
  const TurnMeter& meter;
  const std::vector<std::unique_ptr<pbx::Server>>& asterisks;
  const std::vector<std::unique_ptr<pbx::Server>>& leaving;
  WallTime started;
  const groups::Groups* groups = nullptr;  // nullptr: there are none
  WallTime groups_now{};                   // by the clock of `groups`
};

// All metrics as they are now; docs/operations.md explains each.
[[nodiscard]] std::string metrics_text(const MetricSources& sources);

}  // namespace aribus::daemon
