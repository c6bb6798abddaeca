// JSON Schema of normalized JSON (see normalizer.h). It uses only what both drafts in use have: draft 7
// (OpenRPC) and 2020-12 (records).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ari/schema.h"

namespace aribus::record {

// The schema of a value of `type`, or of a list of them. Models are referred to as `references` and their
// name.
[[nodiscard]] std::string schema_of(ari::Type type, bool list, const ari::ModelType* model,
                                    std::string_view references);

// The schema of an object of `model`; that of an event is about what follows the ids in its record.
[[nodiscard]] std::string schema_of(const ari::ModelType& model, std::string_view references);

// `models` and all models that their objects may contain, by name, without duplicates.
[[nodiscard]] std::vector<const ari::ModelType*> closure_of(const std::vector<const ari::ModelType*>& models);

}  // namespace aribus::record
