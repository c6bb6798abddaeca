// Figures for monitoring, in Prometheus' text format.
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

// What one request for the figures is answered with: made for it, filled, and written.
class MetricFamilies {
 public:
  using Labels = std::vector<prometheus::ClientMetric::Label>;

  // One figure more of the family `name`, which is the last one or a new one.
  void gauge(const char* name, const char* help, double value, Labels labels = {});
  void counter(const char* name, const char* help, double value, Labels labels = {});
  void histogram(const char* name, const char* help, const DurationHistogram& durations, Labels labels = {});
  // process_…: what the kernel knows of this process, which was started then. On the loop's thread alone.
  void process(WallTime started, const char* memory_help);

  [[nodiscard]] std::string text() const;

 private:
  prometheus::ClientMetric& add(const char* name, const char* help, prometheus::MetricType type,
                                Labels labels);

  std::vector<prometheus::MetricFamily> families_;
};

}  // namespace aribus::service
