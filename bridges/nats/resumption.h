// Where to go on in the daemon's stream, from how the stream in NATS ends. No input or output.
#pragma once

#include <cstdint>
#include <string>

#include "nats/envelope.h"
#include "nats/jetstream.h"
#include "nats/state_file.h"
#include "nats/window.h"

namespace aribus::nats {

// The last message in NATS bears its record's place. When all of them have expired or were purged, the state
// file says which record had which sequence, and from there on the messages can be counted: one for each
// record, in order, but for reports, which the file has before they are published.
struct Resumption {
  Place after;          // the records behind it are to be published; no stream: from the oldest on
  uint64_t skip = 0;    // but for the first so many of them, which NATS had
  std::string doubt{};  // why some may be published twice; "": none will be

  [[nodiscard]] static Resumption of(const StreamEnd& end, const StateFile::State& state);
};

// Records that the daemon no longer has.
struct Lost {
  uint64_t from = 0, to = 0;  // the first and the last; from > to: none

  // `lost` without the first `skip` records, which NATS had; `skip` is what is left to be skipped behind it.
  // With a filter it is not known how many of those that are lost were published: all of them are reported,
  // and nothing behind them is skipped.
  [[nodiscard]] static Lost without_first(uint64_t& skip, Lost lost, bool filtered);
};

}  // namespace aribus::nats
