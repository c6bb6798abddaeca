// Sends the trace at a pace.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "trace.h"

namespace aribus::bench {

// Nanoseconds of CLOCK_MONOTONIC.
[[nodiscard]] uint64_t now_ns();

// What the feeder and the drain, each on its thread, know of each other while `events` are sent.
struct Progress {
  explicit Progress(uint64_t events)
      : events(events), sent_at_ns(std::make_unique<std::atomic<uint64_t>[]>(events)) {}

  const uint64_t events;
  std::unique_ptr<std::atomic<uint64_t>[]> sent_at_ns;  // of each event, just before the write that it is in
  std::atomic<uint64_t> received{0};                    // so many events have reached all who are to get them
};

struct Pace {
  uint64_t rate = 0;       // events a second; 0: as fast as they are taken
  uint64_t window = 2000;  // then so many events may be under way
};

struct Fed {
  uint64_t late_ns = 0;           // the longest that an event was sent behind its time
  uint64_t longest_write_ns = 0;  // that the system did not read
};

// Sends `progress.events` events on a blocking socket, the trace from its beginning and again.
Fed feed(int socket, const Frames& trace, Pace pace, Progress& progress);

}  // namespace aribus::bench
