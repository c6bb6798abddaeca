// Comparing without anything in between.
#pragma once

#include <string>
#include <vector>

#include "state/difference.h"

namespace aribus::test {

// The records of state::publish_difference(), if none is applied meanwhile.
inline std::vector<record::Record> difference(const std::string& server, const std::vector<std::string>& apps,
                                              state::Model& known, const state::FetchedState& fetched,
                                              const state::Comparison& comparison) {
  std::vector<record::Record> records;
  const state::Publisher publisher{[&](const record::Record& record) { records.push_back(record); },
                                   [] { return 0; }};
  state::Difference found;
  Slices work = state::publish_difference(server, apps, known, fetched, comparison, publisher, found);
  while (!work.run(1'000'000)) continue;
  return records;
}

}  // namespace aribus::test
