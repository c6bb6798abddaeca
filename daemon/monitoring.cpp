#include "daemon/monitoring.h"

#include <string>

#include "service/metric_families.h"

namespace aribus::daemon {
namespace {

// A line for each reason not to be ready; "" if there is none.
std::string not_ready(const MetricSources& sources, bool stopping) {
  std::string lines = stopping ? "aribusd is stopping\n" : "";
  for (const auto& asterisk : sources.asterisks) {
    if (asterisk->state() == pbx::State::ready) continue;
    lines += asterisk->name() + ": " + std::string(pbx::state_name(asterisk->state()));
    const std::string& reason = asterisk->condition().reason();
    if (!reason.empty()) lines += ": " + reason;
    lines += "\n";
  }
  return lines;
}

}  // namespace

service::HttpListener::Answer answer_monitoring(std::string_view path, const MetricSources& sources,
                                                bool stopping) {
  if (path == "/metrics")
    return {.content_type = service::metrics_content_type, .body = metrics_text(sources)};
  if (path == "/healthz") return {.body = "the loop turns\n"};
  if (path == "/readyz") {
    const std::string missing = not_ready(sources, stopping);
    if (missing.empty()) return {.body = "ready\n"};
    return {.status = 503, .body = missing};
  }
  return {.status = 404, .body = "/metrics, /healthz or /readyz is expected\n"};
}

}  // namespace aribus::daemon
