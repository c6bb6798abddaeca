// Which field of which model is an id, wherever ARI puts it.
#pragma once

#include <optional>
#include <string_view>

#include "record/id_set.h"

namespace aribus::record {

// The kind of the id, or of the ids of the list, in `field` of `model`; nothing if it holds none. Both have
// the names that ARI declares.
[[nodiscard]] std::optional<IdKind> id_field(std::string_view model, std::string_view field);

// Whether `field`, of any model, names an object as "channel:<id>", "bridge:<id>" or "endpoint:<id>"
// (IdSet::add_target).
[[nodiscard]] bool is_target_field(std::string_view field);

// Whether the objects of `model` have no field with their id, but one with each half of it: an endpoint's is
// "<technology>/<resource>".
[[nodiscard]] bool has_endpoint_id(std::string_view model);

}  // namespace aribus::record
