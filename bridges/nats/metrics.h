// The metrics, in Prometheus' text format.
#pragma once

#include <string>

#include "base/time.h"
#include "nats/publisher.h"
#include "nats/service.h"

namespace aribus::nats {

// The sources of the metrics.
struct MetricSources {
  const PublisherFigures& publisher;
  const Service& service;
  WallTime started;
};

// All metrics now; docs/nats-operations.md explains each. Called only on the event loop's thread.
[[nodiscard]] std::string metrics_text(const MetricSources& sources);

}  // namespace aribus::nats
