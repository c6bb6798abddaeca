// The figures for monitoring, in Prometheus' text format.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/time.h"
#include "bus/record_log.h"
#include "control/dispatcher.h"
#include "daemon/upstream.h"
#include "frontend/unix/server.h"
#include "net/loop.h"
#include "net/turn_meter.h"

namespace aribus::daemon {

// Where they are kept; `status` tells of the same.
struct MetricSources {
  const bus::RecordLog& log;
  const control::Dispatcher& dispatcher;
  const frontend::Server& server;
  const TurnMeter& meter;
  const std::vector<std::unique_ptr<Upstream>>& upstreams;
  const std::vector<std::unique_ptr<Upstream>>& leaving;
  WallTime started;
};

// All of them as they are now; docs/operations.md explains each.
[[nodiscard]] std::string metrics_text(const MetricSources& sources);

}  // namespace aribus::daemon
