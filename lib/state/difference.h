// Compares what aribus knows of an Asterisk with what that Asterisk answers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "record/record.h"
#include "state/fetched.h"
#include "state/model.h"

namespace aribus::state {

struct Difference {
  std::vector<record::Record> records;  // in the order in which they are to be published
  size_t came = 0;                      // number of new objects
  size_t changed = 0;
  size_t ended = 0;
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

// The records that lead from the state in `known` to the state in `fetched`. Changes that Asterisk reports by
// no event become `state.changed`; objects whose events no application receives any more become `state.gone`.
[[nodiscard]] Difference difference(const std::string& server, const std::vector<std::string>& apps,
                                    const Model& known, const FetchedState& fetched,
                                    const Comparison& comparison);

// The playbacks that may have failed without an event: Asterisk (22.10, 16.28) does not report when it cannot
// play anything other than a `sound:`.
[[nodiscard]] std::vector<std::string> doubtful_playbacks(const Model& known);

// A `state.changed` for each of `playbacks` that is not in `fetched`: it counts as failed. Playbacks that a
// record from `begin` on reported are left out.
[[nodiscard]] std::vector<record::Record> ends_of_playbacks(const std::string& server,
                                                            const std::vector<std::string>& apps,
                                                            const Model& known, const FetchedState& fetched,
                                                            const std::vector<std::string>& playbacks,
                                                            uint64_t begin, WallTime now);

// A `state.changed` with one object, `text`, for `app`.
[[nodiscard]] record::Record changed(const std::string& server, IdKind kind, std::string_view id,
                                     std::string_view text, const std::string& app, WallTime now);

// A `state.gone` with the known objects that no application is subscribed to any more; without ids if there
// are none. Calls that StasisBroadcast() offers are left out: no application is subscribed to them until one
// claims them. Objects that a record from `begin` on reported are left out, too; if there are any, `more`
// becomes true and they have to be checked again.
[[nodiscard]] record::Record no_longer_reported(const std::string& server, const Model& known,
                                                const AppSubscriptions& subscriptions, uint64_t begin,
                                                WallTime now, bool& more);

}  // namespace aribus::state
