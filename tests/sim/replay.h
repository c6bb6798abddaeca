// Recorded events, sent over and over to a WebSocket as they are.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "connection.h"
#include "options.h"

namespace aribus::sim {

// Keeps a position in the recording for each connection.
class Replay {
 public:
  // False when the file can't be read or is empty.
  [[nodiscard]] bool load(const Options& options);
  [[nodiscard]] bool is_loaded() const { return !frames_.empty(); }

  void start(Connection& connection);
  void stop(uint64_t connection_id) { places_.erase(connection_id); }
  // Without a rate: gives the connection more when it has little left to write.
  void refill(Connection& connection);
  // With a rate: gives it what the time since the last call allows.
  void tick(Connection& connection, uint64_t now_ms);
  // Milliseconds between ticks; 0 when there is no rate.
  [[nodiscard]] uint64_t tick_ms() const { return rate_ == 0 ? 0 : 5; }

 private:
  struct Place {
    size_t next = 0;     // index of the next event
    uint64_t loops = 0;  // ended
    uint64_t started_ms = 0;
    uint64_t sent = 0;
  };
  // Appends up to `count` events of at most `bytes` altogether.
  void append(Connection& connection, Place& place, uint64_t count, size_t bytes) const;

  std::string frames_;        // all events as frames
  std::vector<size_t> ends_;  // of each in frames_
  std::map<uint64_t, Place> places_;
  uint64_t rate_ = 0;
  uint64_t loops_ = 0;
};

}  // namespace aribus::sim
