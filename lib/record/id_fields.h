// Which ids of an event or answer go into a record's `channels`, `bridges`, `playbacks`, ….
//
// An object counts by its model, at any depth and whatever the field is called that holds it (`channel`,
// `peer`, `replace_channel`): the Normalizer walks through all of them and asks here, by the declared model
// of a field, or by the members of an object in a field without one.
#pragma once

#include <optional>
#include <string_view>

#include "json/json_tape.h"
#include "record/id_set.h"

namespace aribus::record {

// The kind of the id, or of the ids of the list, in `field` of `model`; nothing if it holds none. Both have
// the names that ARI declares.
[[nodiscard]] std::optional<IdKind> id_field(std::string_view model, std::string_view field);

// Whether `field`, of any model, names an object, as "channel:<id>"; see add_target().
[[nodiscard]] bool is_target_field(std::string_view field);

// Adds the id in "channel:<id>", "bridge:<id>" or "endpoint:<id>"; ignores other forms.
void add_target(IdSet& ids, std::string_view uri);

// The model that an undeclared `object` has the members of; "" if it looks like none with an id.
[[nodiscard]] std::string_view recognised_model(JsonView object);

// Whether the objects of `model` have no field with their id, but one with each half of it: an endpoint's is
// "<technology>/<resource>".
[[nodiscard]] bool has_endpoint_id(std::string_view model);

}  // namespace aribus::record
