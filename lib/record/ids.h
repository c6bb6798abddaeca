// The ids that an event is about, lifted from wherever ARI hides them.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "ari/schema.h"
#include "base/json.h"

namespace aribus::record {

enum class IdKind : uint8_t { channel, bridge, playback, recording, endpoint, device };
inline constexpr size_t id_kinds = 6;

// The name of the envelope's field for each kind: "channels", …
[[nodiscard]] std::string_view field_name(IdKind kind);

// Ids by kind, in the order found, without duplicates.
class Ids {
 public:
  // Adds `id`, unless it is empty or there already.
  void add(IdKind kind, std::string_view id);
  [[nodiscard]] const std::vector<std::string>& of(IdKind kind) const {
    return lists_[static_cast<size_t>(kind)];
  }

 private:
  std::array<std::vector<std::string>, id_kinds> lists_;
  std::array<std::unordered_set<std::string>, id_kinds> seen_;  // of lists too long to be searched
};

// Adds the ids in `value`, an object of `model`: its own and those of everything in it. Where the model is
// unknown (nullptr), or says nothing of a field, objects are recognised by their shape.
void lift_ids(const JsonValue& value, const ari::Model* model, Ids& into);

}  // namespace aribus::record
