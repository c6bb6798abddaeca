// Compares what aribus knows of an Asterisk with what that Asterisk answers.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/slices.h"
#include "record/record.h"
#include "state/fetched.h"
#include "state/model.h"

namespace aribus::state {

// How much differed.
struct Difference {
  size_t came = 0;  // number of new objects
  size_t changed = 0;
  size_t ended = 0;
};

// Takes the records that are found, at once: the model has applied one when publish() returns.
struct Publisher {
  std::function<void(const record::Record&)> publish;
  std::function<uint64_t()> next_seq;  // of the next record
};

// When the answers were fetched, and what may have been missed before.
struct Comparison {
  uint64_t begin = 0;  // seq; records from this one on are newer than the answers
  // Set after a gap: events before this record may have been missed. Differences become records of ARI's own
  // types with `"synthetic":true`; a channel that ended gets cause 0, as its cause is unknown. Not set: no
  // event was missed, so each difference is a change that Asterisk reports by no event.
  std::optional<uint64_t> gap_until;
  WallTime now;
};

// Publishes the records that lead from the state in `known` to the state in `fetched`, and counts them in `found`.
// Changes that Asterisk reports by no event become `state.changed`; objects whose events no application receives any
// more become `state.gone`. Other records may be applied to `known` between two slices: an object that they report
// counts as one with a record from `begin` on. What is referred to must stay.
[[nodiscard]] Slices publish_difference(const std::string& server, const std::vector<std::string>& apps,
                                        Model& known, const FetchedState& fetched,
                                        const Comparison& comparison, const Publisher& publisher,
                                        Difference& found);

// The playbacks that may have failed without an event: Asterisk (22.10, 16.28) does not report when it cannot
// play anything other than a `sound:`.
[[nodiscard]] std::vector<std::string> doubtful_playbacks(const Model& known);

// A `state.changed` for each of `playbacks` that is not in `fetched`: it counts as failed. Playbacks that a
// record from `begin` on reported are left out.
[[nodiscard]] std::vector<record::Record> ends_of_playbacks(const std::string& server,
                                                            const std::vector<std::string>& apps,
                                                            Model& known, const FetchedState& fetched,
                                                            const std::vector<std::string>& playbacks,
                                                            uint64_t begin, WallTime now);

// A `state.changed` with one object, `text`, for `app`.
[[nodiscard]] record::Record changed(const std::string& server, IdKind kind, std::string_view id,
                                     std::string_view text, const std::string& app, WallTime now);

// Publishes a `state.gone`, or several, with the known objects that no application is subscribed to any more. Calls
// that StasisBroadcast() offers are left out: no application is subscribed to them until one claims them. Objects that
// a record from `begin` on reported are left out, too; if there are any, `more` becomes true and they have to be checked
// again. What is referred to must stay.
[[nodiscard]] Slices publish_unheard(const std::string& server, Model& known, const FetchedState& fetched,
                                     uint64_t begin, WallTime now, const Publisher& publisher, bool& more);

// Publishes a `state.gone`, or several, with all channels, bridges, endpoints and devices.
[[nodiscard]] Slices publish_all_gone(const std::string& server, Model& known, WallTime now,
                                      const Publisher& publisher);

}  // namespace aribus::state
