#include "nats/resumption.h"

#include <algorithm>
#include <set>
#include <utility>

namespace aribus::nats {

Resumption Resumption::of(const StreamEnd& end, const StateFile::State& state) {
  if (!end.place.stream.empty()) return {.after = end.place};
  if (end.last < state.last) {
    // The stream was created again, or lost its newest messages and no longer holds older ones.
    Resumption oldest;
    if (end.last > 0) {
      oldest.doubt = "the stream in NATS is empty and ends with sequence " + std::to_string(end.last) +
                     ", but " + std::to_string(state.last) +
                     " was stored: records that NATS has had may be published again";
    }
    return oldest;
  }
  // Later messages were of other programs, or were never stored: nats-server also assigns sequences to
  // messages for which the account has no room.
  if (end.none_behind_known) return {.after = state.place};
  if (state.place.stream.empty() || end.others_unknown || !state.flight.seqs.empty()) {
    // It is unknown how many of the later messages were of this installation (after --adopt: none), or which
    // of the flight they were. Skipping that many records could lose some.
    Resumption doubtful{.after = state.place};
    if (end.last > state.last) {
      doubtful.doubt = "the records of the messages " + std::to_string(state.last + 1) + " to " +
                       std::to_string(end.last) + " in NATS are unknown: some may be published again";
    }
    return doubtful;
  }
  const uint64_t unknown = end.last - state.last - std::min(end.others, end.last - state.last);
  if (unknown > 0 && !state.report.stream.empty()) return {.after = state.report, .skip = unknown - 1};
  return {.after = state.place, .skip = unknown};
}

Lost Lost::without_first(uint64_t& skip, Lost lost, bool filtered) {
  if (filtered) {
    skip = 0;
    return lost;
  }
  const uint64_t had = std::min(skip, lost.to - lost.from + 1);
  skip -= had;
  return {lost.from + had, lost.to};
}

Missing missing_of(const Flight& flight, const std::vector<Place>& stored) {
  std::set<uint64_t> there;
  for (const Place& place : stored) {
    if (place.stream == flight.stream) there.insert(place.seq);
  }
  Missing missing;
  for (const uint64_t seq : flight.seqs) {
    if (there.empty() || seq > *there.rbegin()) break;  // nothing is stored behind it
    if (there.contains(seq)) continue;
    if (missing.records++ == 0) missing.from = seq;
    missing.to = seq;
  }
  return missing;
}

bool shows_no_hole(const StreamEnd& end, const Flight& flight) {
  if (!end.is_whole || end.first > flight.after + 1 || end.place.stream != flight.stream) return false;
  const uint64_t at = end.last - end.others;  // the sequence of `end.place`
  if (at <= flight.after) return true;        // nothing of the flight is stored
  const uint64_t before = at - flight.after - 1;
  return before < flight.seqs.size() && flight.seqs[before] == end.place.seq;
}

}  // namespace aribus::nats
