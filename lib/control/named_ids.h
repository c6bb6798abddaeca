// The channels, bridges, playbacks and recordings that a command names in its parameters.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "control/method.h"
#include "json/json.h"
#include "record/id_set.h"

namespace aribus::control {

struct NamedId {
  std::string_view parameter;
  record::IdKind kind;
  std::string_view text;
};

// In no particular order, with duplicates. They point into `params`.
[[nodiscard]] std::vector<NamedId> named_ids(const JsonValue& params);

// The kind of what `method` creates under the id or name in `parameter`; nothing if that names what exists.
[[nodiscard]] std::optional<record::IdKind> created_kind(const Method& method, std::string_view parameter);

inline constexpr size_t max_named_ids = 1024;  // by one command

// The same ids as opaque keys: two commands that share a key must reach Asterisk in the order in which they
// came. Errors: invalid_params, for more than max_named_ids, for an id of more than record::max_id_bytes, or
// with a control character.
[[nodiscard]] Result<std::vector<std::string>> order_keys(const JsonValue& params);

}  // namespace aribus::control
