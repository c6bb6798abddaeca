// What makes the difference between what was known of an Asterisk and what it answers.
#pragma once

#include <string>
#include <vector>

#include "record/record.h"
#include "state/model.h"
#include "state/survey.h"

namespace aribus::state {

struct Difference {
  std::vector<record::Record> records;  // in the order in which they are to be published
  size_t came = 0;                      // things
  size_t changed = 0;
  size_t ended = 0;
};

// Records that take whoever applies them from what `known` holds to what `survey` says, except of what
// records from `begin` on have told: that is newer. Each bears `"synthetic":true`. How a channel ended that
// is gone is not known: its cause is 0.
[[nodiscard]] Difference difference(const std::string& server, const std::vector<std::string>& apps,
                                    const Model& known, const Survey& survey, uint64_t begin, WallTime now);

// A record `state.gone` with what is known and not heard of any more, except of what records from `begin` on
// have told; without ids when there is nothing of it.
// `more` becomes true when there is something of which they have.
[[nodiscard]] record::Record gone(const std::string& server, const Model& known, const Heard& heard,
                                  uint64_t begin, WallTime now, bool& more);

}  // namespace aribus::state
