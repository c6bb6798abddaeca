// Finds who waits for records about an object.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "record/id_set.h"

namespace aribus::record {

// Numbers by id. What a lookup costs does not depend on how many there are.
class IdIndex {
 public:
  void add(IdKind kind, std::string_view id, uint64_t number) { numbers_.emplace(id_hash(kind, id), number); }
  void remove(IdKind kind, std::string_view id, uint64_t number);
  // The numbers under the `ids`, in ascending order; rarely also one whose id has the same hash.
  [[nodiscard]] std::vector<uint64_t> find(const IdSet& ids) const;

 private:
  std::unordered_multimap<uint64_t, uint64_t> numbers_;  // by id_hash
};

}  // namespace aribus::record
