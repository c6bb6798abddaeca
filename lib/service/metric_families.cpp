#include "service/metric_families.h"

#include <prometheus/text_serializer.h>

#include "service/process_stats.h"

namespace aribus::service {

using prometheus::ClientMetric;
using prometheus::MetricType;

void MetricFamilies::gauge(const char* name, const char* help, double value, Labels labels) {
  add(name, help, MetricType::Gauge, std::move(labels)).gauge.value = value;
}

void MetricFamilies::counter(const char* name, const char* help, double value, Labels labels) {
  add(name, help, MetricType::Counter, std::move(labels)).counter.value = value;
}

void MetricFamilies::histogram(const char* name, const char* help, const DurationHistogram& durations,
                               Labels labels) {
  auto& histogram = add(name, help, MetricType::Histogram, std::move(labels)).histogram;
  for (size_t i = 0; i < DurationHistogram::bounds.size(); ++i) {
    histogram.sample_count += durations.counts()[i];
    histogram.bucket.push_back({histogram.sample_count, seconds(DurationHistogram::bounds[i])});
  }
  histogram.sample_count += durations.counts().back();
  histogram.sample_sum = seconds(durations.sum());
}

void MetricFamilies::process(WallTime started, const char* memory_help) {
  const ProcessStats& stats = ProcessStats::lately();
  gauge("process_start_time_seconds", "Start time of the process, in seconds since 1970.",
        seconds(started.time_since_epoch()));
  counter("process_cpu_seconds_total", "CPU time, of user and system.", stats.cpu_seconds);
  gauge("process_resident_memory_bytes", memory_help, to_double(stats.resident_bytes));
  gauge("process_virtual_memory_bytes", "Virtual memory.", to_double(stats.virtual_bytes));
  gauge("process_open_fds", "Open file descriptors.", to_double(stats.open_descriptors));
  gauge("process_max_fds", "Limit of open file descriptors.", to_double(stats.max_descriptors));
}

std::string MetricFamilies::text() const {
  return prometheus::TextSerializer().Serialize(families_);
}

ClientMetric& MetricFamilies::add(const char* name, const char* help, MetricType type, Labels labels) {
  if (families_.empty() || families_.back().name != name) families_.push_back({name, help, type, {}});
  ClientMetric& metric = families_.back().metric.emplace_back();
  metric.label = std::move(labels);
  return metric;
}

}  // namespace aribus::service
