#include "feeder.h"

#include <algorithm>
#include <ctime>
#include <string_view>

#include <sys/prctl.h>

#include "histogram.h"
#include "sockets.h"

namespace aribus::bench {
namespace {

constexpr size_t write_bytes = 64 * 1024;

void sleep_until(uint64_t time_ns) {
  const timespec time{static_cast<time_t>(time_ns / second_ns), static_cast<long>(time_ns % second_ns)};
  ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nullptr);
}

// Waits until a good part of the window is free, and returns how many events may follow `sent`.
uint64_t wait_for_room(uint64_t sent, uint64_t window, const Progress& progress) {
  for (;;) {
    const uint64_t received = progress.received.load(std::memory_order_acquire);
    const uint64_t room = received + window - sent;
    if (room >= std::min(window / 4 + 1, progress.events - sent)) return room;
    progress.received.wait(received);
  }
}

}  // namespace

uint64_t now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * second_ns + static_cast<uint64_t>(now.tv_nsec);
}

Fed feed(int socket, const Frames& trace, Pace pace, Progress& progress) {
  ::prctl(PR_SET_TIMERSLACK, 1);
  Fed fed;
  const uint64_t start = now_ns();
  const auto due_at = [&](uint64_t event) { return start + event * second_ns / pace.rate; };
  for (uint64_t sent = 0; sent < progress.events;) {
    uint64_t count = progress.events - sent;
    if (pace.rate == 0) {
      count = std::min(count, wait_for_room(sent, pace.window, progress));
    } else {
      sleep_until(due_at(sent));
      count = std::min(count, (now_ns() - start) * pace.rate / second_ns + 1 - sent);
    }
    const size_t first = sent % trace.count();
    const size_t begin = trace.begin(first);
    size_t last = first;  // the last one of this write
    while (last - first + 1 < count && last + 1 < trace.count() &&
           trace.ends[last + 1] - begin <= write_bytes) {
      ++last;
    }
    const uint64_t now = now_ns();
    if (pace.rate != 0) fed.late_ns = std::max(fed.late_ns, now - due_at(sent));
    const uint64_t end = sent + (last - first + 1);
    for (; sent < end; ++sent) progress.sent_at_ns[sent].store(now, std::memory_order_relaxed);
    write_all(socket, std::string_view(trace.bytes).substr(begin, trace.ends[last] - begin));
    fed.longest_write_ns = std::max(fed.longest_write_ns, now_ns() - now);
  }
  return fed;
}

}  // namespace aribus::bench
