// The figures for monitoring, in Prometheus' text format.
#pragma once

#include <string>

#include "base/time.h"
#include "nats/publisher.h"
#include "nats/service.h"

namespace aribus::nats {

// Where they are kept.
struct MetricSources {
  const PublisherFigures& publisher;
  const Service& service;
  WallTime started;
};

// All of them as they are now; docs/operations.md explains each. On the loop's thread alone.
[[nodiscard]] std::string metrics_text(const MetricSources& sources);

}  // namespace aribus::nats
