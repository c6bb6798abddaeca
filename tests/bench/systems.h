// The systems that are measured: what is sent to each, and what its subscribers receive.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "trace.h"

namespace aribus::bench {

struct System {
  std::string name;
  Frames frames;         // the trace as it is published
  std::string greeting;  // what a publisher sends first
  size_t lines_per_record = 1;
  std::vector<size_t> record_bytes;  // of each event as it is delivered; empty: not known beforehand
  bool websocket = false;            // aribus' subscribers come by WebSocket

  // aribus makes lines of its own; the others hand on what they got.
  [[nodiscard]] bool has_seq() const { return name == "aribus"; }
};

// `name`: aribus, relay, redis or nats.
[[nodiscard]] System make_system(const std::string& name, const Trace& trace);

// Connects to where the system takes events; for aribus and the relay, which come to Asterisk, waits on the
// listening socket of which `upstream` is the number.
[[nodiscard]] Fd connect_publisher(const System& system, const std::string& upstream);

// Subscribes at `address` (of a WebSocket: with .web behind it), to `type` alone unless it is "", and waits
// until that is in force. Returns the connection, and the seq of the next record of aribus.
struct Subscribed {
  Fd socket;
  uint64_t next_seq;
};
[[nodiscard]] Subscribed subscribe(const System& system, const std::string& address, const std::string& type);

// Reads what a new connection gets besides records: NATS asks for one sign of life, some 2 s after its
// beginning.
void settle(const System& system, int subscriber);

// Waits until aribus is connected to its Asterisk: then its next record is an event.
void await_ready(const std::string& address);

}  // namespace aribus::bench
