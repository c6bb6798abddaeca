// What one event costs from its text to its line in the ring: reads a trace (one event a line) and passes
// each event through record::read_event and bus::Log::append, as the daemon does.
//
// Usage: event_cost TRACE [ROUNDS]. Run it with tests/bench/event-cost, which counts instructions.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "bus/log.h"
#include "record/record.h"

// Everything that is counted happens below this function.
[[gnu::noinline]] void pass_events(const std::vector<std::string>& events, aribus::bus::Log& log) {
  static aribus::record::Record record;
  for (const std::string& event : events) {
    aribus::record::read_event(event, event.size(), "pbx1", aribus::WallTime{}, record);
    log.append(record);
  }
}

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("Usage: event_cost TRACE [ROUNDS]\n", stderr);
    return 2;
  }
  std::vector<std::string> events;
  size_t bytes = 0;
  std::ifstream trace(argv[1]);
  for (std::string line; std::getline(trace, line);) {
    bytes += line.size();
    events.push_back(std::move(line));
  }
  auto log = aribus::bus::Log::make({});
  if (events.empty() || !log) {
    std::fprintf(stderr, "event_cost: no events in %s, or no memory\n", argv[1]);
    return 1;
  }
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 1;
  for (int round = 0; round < rounds; ++round) pass_events(events, *log);
  std::printf("%zu events, %zu bytes each\n", events.size() * static_cast<size_t>(rounds),
              bytes / events.size());
  return 0;
}
