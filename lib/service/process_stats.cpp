#include "service/process_stats.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <sys/resource.h>
#include <unistd.h>

namespace aribus::service {

ProcessStats ProcessStats::now() {
  ProcessStats stats;
  const auto page_bytes = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  if (std::ifstream pages("/proc/self/statm"); pages >> stats.virtual_bytes >> stats.resident_bytes) {
    stats.virtual_bytes *= page_bytes;
    stats.resident_bytes *= page_bytes;
  }
  std::error_code error;
  const std::filesystem::directory_iterator descriptors("/proc/self/fd", error);
  // One of them is for this reading itself.
  if (!error)
    stats.open_descriptors = static_cast<uint64_t>(std::distance(begin(descriptors), end(descriptors))) - 1;
  if (rlimit limit{}; ::getrlimit(RLIMIT_NOFILE, &limit) == 0) stats.max_descriptors = limit.rlim_cur;
  if (rusage usage{}; ::getrusage(RUSAGE_SELF, &usage) == 0) {
    const auto seconds = [](const timeval& time) {
      return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    stats.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  }
  return stats;
}

const ProcessStats& ProcessStats::lately() {
  using Clock = std::chrono::steady_clock;
  static ProcessStats stats;
  static Clock::time_point at;
  const Clock::time_point present = Clock::now();
  if (at == Clock::time_point() || present - at >= std::chrono::seconds(1)) {
    stats = now();
    at = present;
  }
  return stats;
}

}  // namespace aribus::service
