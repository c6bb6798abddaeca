#include "service/process_figures.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <sys/resource.h>
#include <unistd.h>

namespace aribus::service {

ProcessFigures ProcessFigures::now() {
  ProcessFigures figures;
  const auto page_bytes = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  if (std::ifstream pages("/proc/self/statm"); pages >> figures.virtual_bytes >> figures.resident_bytes) {
    figures.virtual_bytes *= page_bytes;
    figures.resident_bytes *= page_bytes;
  }
  std::error_code error;
  const std::filesystem::directory_iterator descriptors("/proc/self/fd", error);
  // One is the look itself.
  if (!error)
    figures.open_descriptors = static_cast<uint64_t>(std::distance(begin(descriptors), end(descriptors))) - 1;
  if (rlimit limit{}; ::getrlimit(RLIMIT_NOFILE, &limit) == 0) figures.max_descriptors = limit.rlim_cur;
  if (rusage usage{}; ::getrusage(RUSAGE_SELF, &usage) == 0) {
    const auto seconds = [](const timeval& time) {
      return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    figures.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  }
  return figures;
}

const ProcessFigures& ProcessFigures::lately() {
  using Clock = std::chrono::steady_clock;
  static ProcessFigures figures;
  static Clock::time_point at;
  const Clock::time_point present = Clock::now();
  if (at == Clock::time_point() || present - at >= std::chrono::seconds(1)) {
    figures = now();
    at = present;
  }
  return figures;
}

}  // namespace aribus::service
