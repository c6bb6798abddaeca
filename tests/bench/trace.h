// The recorded events that every measurement sends.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace aribus::bench {

// Events one behind the other, as they go to one of the systems.
struct Frames {
  std::string bytes;
  std::vector<size_t> ends;  // of each event's part in `bytes`

  [[nodiscard]] size_t count() const { return ends.size(); }
  [[nodiscard]] size_t begin(size_t event) const { return event == 0 ? 0 : ends[event - 1]; }
  void add(std::string_view part) {
    bytes += part;
    ends.push_back(bytes.size());
  }
};

struct Trace {
  std::vector<std::string> events;
  std::vector<std::string> types;  // of each event
  std::string application;         // of the first event

  // Without events of the type `left_out`. Ends the program when the file can't be read.
  static Trace load(const std::string& path, std::string_view left_out = {});
  // The `count` types that occur most often, the most frequent first.
  [[nodiscard]] std::vector<std::string> frequent_types(size_t count) const;
};

// The trace as text frames of a WebSocket server.
[[nodiscard]] Frames websocket_frames(const Trace& trace);

// Which of the events sent (0, 1, …) one subscriber receives: some places in a period that repeats.
struct Selection {
  std::vector<uint64_t> places{0};
  uint64_t period = 1;

  // The event that is the `record`-th one received.
  [[nodiscard]] uint64_t event(uint64_t record) const {
    return record / places.size() * period + places[record % places.size()];
  }
  // How many are received of the first `events`.
  [[nodiscard]] uint64_t count(uint64_t events) const;
};

// Says why, and ends the program with status 1.
[[noreturn]] void fail(const std::string& why);
// fail() with errno's text when `ok` is false.
void require(bool ok, const std::string& what);

}  // namespace aribus::bench
