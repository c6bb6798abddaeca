#include "record/id_index.h"

#include <algorithm>

namespace aribus::record {

void IdIndex::remove(IdKind kind, std::string_view id, uint64_t number) {
  const auto [begin, end] = numbers_.equal_range(id_hash(kind, id));
  const auto at = std::find_if(begin, end, [&](const auto& entry) { return entry.second == number; });
  if (at != end) numbers_.erase(at);
}

std::vector<uint64_t> IdIndex::find(const IdSet& ids) const {
  std::vector<uint64_t> found;
  if (numbers_.empty()) return found;
  for (size_t i = 0; i < ids.size(); ++i) {
    const auto [begin, end] = numbers_.equal_range(ids[i].hash);
    for (auto at = begin; at != end; ++at) found.push_back(at->second);
  }
  std::ranges::sort(found);
  return found;
}

}  // namespace aribus::record
