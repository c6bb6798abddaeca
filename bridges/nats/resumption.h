// Finds out from the end of the stream in NATS where to resume in the daemon's stream. No input or output.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "nats/envelope.h"
#include "nats/jetstream.h"
#include "nats/state_file.h"
#include "nats/window.h"

namespace aribus::nats {

// The last message in NATS has its record's place. When all messages have expired or were purged, the state
// file has the place and sequence of one record, and later messages can be counted from there: one per
// record, in order, except reports, which are written to the file before they are published.
struct Resumption {
  Place after;          // publish the records after it; no stream: from the oldest one on
  uint64_t skip = 0;    // except this many at first, which NATS has had
  std::string doubt{};  // why some may be published twice; "": none will be

  [[nodiscard]] static Resumption of(const StreamEnd& end, const StateFile::State& state);
};

// Records that the daemon no longer has.
struct Lost {
  uint64_t from = 0, to = 0;  // the first and the last; from > to: none

  // `lost` without the first `skip` records, which NATS has had; `skip` becomes what remains to be skipped.
  // With a filter it is unknown how many of the lost records were published: all of them are reported, and
  // nothing after them is skipped.
  [[nodiscard]] static Lost without_first(uint64_t& skip, Lost lost, bool filtered);
};

// What the stream in NATS misses of the flight. `stored`: what it has.
[[nodiscard]] Missing missing_of(const Flight& flight, const std::vector<Place>& stored);

// Whether the end of the stream alone shows that it has all of the flight up to there: reading each message
// takes a round trip.
[[nodiscard]] bool shows_no_hole(const StreamEnd& end, const Flight& flight);

}  // namespace aribus::nats
