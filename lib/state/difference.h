// What makes the difference between what was known of an Asterisk and what it answers.
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
  size_t came = 0;                      // things
  size_t changed = 0;
  size_t ended = 0;
};

struct LookedAt {
  uint64_t begin = 0;  // what records from this one on have told is newer than the answers
  // Events before this record may have been missed. They are replaced by records of ARI's own types with
  // `"synthetic":true`; a channel that has ended gets cause 0, as the real one is not known. Not set: no
  // event was missed, and every difference is one that Asterisk reports by no event.
  std::optional<uint64_t> gap_until;
  WallTime now;
};

// The records that lead from the state in `known` to the state in `fetched`. Changes that Asterisk reports by
// no event become `state.changed`; objects of which no application receives events any more become
// `state.gone`.
[[nodiscard]] Difference difference(const std::string& server, const std::vector<std::string>& apps,
                                    const Model& known, const FetchedState& fetched, const LookedAt& looked);

// The playbacks that Asterisk may have been unable to begin, of which it says nothing then (22.10, 16.28): of
// all that is no `sound:`.
[[nodiscard]] std::vector<std::string> doubtful_playbacks(const Model& known);

// A record `state.changed` for each of the `playbacks` that `fetched` does not have any more, as one that
// failed, except of what records from `begin` on have told.
[[nodiscard]] std::vector<record::Record> ends_of_playbacks(const std::string& server,
                                                            const std::vector<std::string>& apps,
                                                            const Model& known, const FetchedState& fetched,
                                                            const std::vector<std::string>& playbacks,
                                                            uint64_t begin, WallTime now);

// A record `state.changed` with a thing that no event tells of, `text`, for `app`.
[[nodiscard]] record::Record changed(const std::string& server, IdKind kind, std::string_view id,
                                     std::string_view text, const std::string& app, WallTime now);

// A record `state.gone` with what is known and not heard of any more, except of what records from `begin` on
// have told, and of calls that are offered by StasisBroadcast(), of which nobody hears until somebody takes
// them; without ids when there is nothing of it. `more` becomes true when there is something of which they
// have.
[[nodiscard]] record::Record no_longer_reported(const std::string& server, const Model& known,
                                                const AppSubscriptions& subscriptions, uint64_t begin,
                                                WallTime now, bool& more);

}  // namespace aribus::state
