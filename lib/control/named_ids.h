// The channels, bridges, playbacks and recordings that a command names.
#pragma once

#include <string_view>
#include <vector>

#include "json/json.h"
#include "record/ids.h"

namespace aribus::control {

struct NamedId {
  std::string_view parameter;
  record::IdKind kind;
  std::string_view text;
};

// In no particular order, repeated ones included; good as long as `params`.
[[nodiscard]] std::vector<NamedId> named_ids(const JsonValue& params);

}  // namespace aribus::control
