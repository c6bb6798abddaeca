// What the HTTP listener for monitoring answers.
#pragma once

#include <string_view>

#include "daemon/metrics.h"
#include "service/http_listener.h"

namespace aribus::daemon {

// GET /metrics, /healthz and /readyz; 404 for other paths. `stopping`: aribusd is stopping, so it is not
// ready.
[[nodiscard]] service::HttpListener::Answer answer_monitoring(std::string_view path,
                                                              const MetricSources& sources, bool stopping);

}  // namespace aribus::daemon
