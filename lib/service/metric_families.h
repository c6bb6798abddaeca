// Metrics in Prometheus' text format.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <prometheus/metric_family.h>

#include "base/duration_histogram.h"
#include "base/time.h"

namespace aribus::service {

inline constexpr const char* metrics_content_type = "text/plain; version=0.0.4; charset=utf-8";

[[nodiscard]] inline double seconds(std::chrono::duration<double> duration) {
  return duration.count();
}
[[nodiscard]] inline double to_double(uint64_t number) {
  return static_cast<double>(number);
}

// The answer to one request for metrics: made for it, filled and written.
class MetricFamilies {
 public:
  using Labels = std::vector<prometheus::ClientMetric::Label>;

  // Adds a metric to the family `name`, which is the last family or a new one.
  void gauge(const char* name, const char* help, double value, Labels labels = {});
  void counter(const char* name, const char* help, double value, Labels labels = {});
  void histogram(const char* name, const char* help, const DurationHistogram& durations, Labels labels = {});
  // The process_… metrics of this process, started at the given time. Only on the loop's thread.
  void process(WallTime started, const char* memory_help);

  [[nodiscard]] std::string text() const;

 private:
  prometheus::ClientMetric& add(const char* name, const char* help, prometheus::MetricType type,
                                Labels labels);

  std::vector<prometheus::MetricFamily> families_;
};

}  // namespace aribus::service
