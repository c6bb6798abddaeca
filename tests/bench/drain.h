// All subscribers of a measurement: reads everything, and misses nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "feeder.h"
#include "histogram.h"
#include "systems.h"

namespace aribus::bench {

// Some subscribers stop reading for a while.
struct Stall {
  size_t subscribers = 0;  // the first ones
  uint64_t at_ns = 0;      // after the beginning
  uint64_t for_ns = 0;     // 0: to the end
};

struct Drained {
  uint64_t records = 0;  // received, by all together
  uint64_t bytes = 0;
  Histogram latency;  // of subscribers that never stall
  uint64_t lost_notifications = 0;
  uint64_t lost_records = 0;
};

class Drain {
 public:
  // With `parts` each subscriber gets one part of the events: of aribus one of the so many most frequent
  // types, of the relay one of so many lanes. 0: each gets everything.
  Drain(const System& system, const Trace& trace, std::string address, size_t parts);

  // Subscribes until there are `count`.
  void grow(size_t count);
  // Reads until all have what they are to get of the events that are being sent. Ends the program when
  // something is missing, comes twice or too late.
  Drained run(Progress& progress, Stall stall);

 private:
  struct Subscriber {
    Fd socket;
    Selection selection;
    uint64_t expected = 0;
    uint64_t records = 0;  // received, or told as lost
    uint64_t lines = 0;
    uint64_t bytes = 0;
    std::string rest;  // of a line that is not whole yet
    bool stalls = false;
    bool stalled = false;
    bool abandoned = false;
  };

  [[nodiscard]] Selection selection(size_t subscriber) const;
  void watch(size_t subscriber, bool readable);
  void set_stalled(const Stall& stall, bool stalled);
  bool receive(size_t number, const Progress& progress, Drained& drained);
  std::string_view lines_of_frames(size_t number, std::string_view& bytes);
  void take_lines(size_t number, std::string_view lines, Drained& drained);
  void take_line(size_t number, std::string_view line, Drained& drained);
  [[nodiscard]] uint64_t received_by_all(uint64_t events) const;
  void check(uint64_t events) const;
  [[noreturn]] void fail_because(size_t number, const std::string& why) const;

  const System& system_;
  const Trace& trace_;
  std::string address_;
  size_t parts_;
  std::vector<std::string> types_;  // by part
  Fd epoll_;
  std::vector<Subscriber> subscribers_;
  std::string buffer_;
  std::string lines_;           // out of frames
  uint64_t events_before_ = 0;  // sent in earlier runs
  uint64_t first_seq_ = 0;      // of this run
};

}  // namespace aribus::bench
