#include "nats/resumption.h"

#include <algorithm>
#include <utility>

namespace aribus::nats {

Resumption Resumption::of(const StreamEnd& end, const StateFile::State& state) {
  if (!end.place.stream.empty()) return {.after = end.place};
  if (end.last < state.last) {
    // It lost its newest messages, or was made anew, and holds none of those before them.
    Resumption oldest;
    if (end.last > 0) {
      oldest.doubt = "the stream in NATS is empty and ends with sequence " + std::to_string(end.last) +
                     ", where " + std::to_string(state.last) +
                     " was stored: what NATS had before that may be published again";
    }
    return oldest;
  }
  // What is behind it was others', or was never kept: nats-server gives a sequence to a message for which the
  // account has no room.
  if (end.none_behind_known) return {.after = state.place};
  if (state.place.stream.empty() || end.others_unknown) {
    // How many of the messages since then were this installation's is not known: after --adopt they were all
    // of another one. To leave out as many records could lose them.
    Resumption doubtful{.after = state.place};
    if (end.last > state.last) {
      doubtful.doubt = "of the messages in NATS from sequence " + std::to_string(state.last + 1) + " to " +
                       std::to_string(end.last) +
                       " it is not known which records they were: some may be published again";
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

}  // namespace aribus::nats
