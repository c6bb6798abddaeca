// The operations that make something under an id of the caller's or the daemon's choice.
#pragma once

#include <string>
#include <string_view>

#include "record/ids.h"

namespace aribus::pbx {

struct CreatingOperation {
  std::string_view operation;
  std::string_view id;  // the parameter that names the new thing
  record::IdKind kind;  // of the new thing
};

// What `operation` ("channels.originate") makes, or nullptr.
[[nodiscard]] const CreatingOperation* find_creating_operation(std::string_view operation);

// Where what has that id is looked for, below /ari. What is recorded is looked for while that goes on: a
// stored recording of the name may be an older one.
[[nodiscard]] std::string place_of(record::IdKind kind, std::string_view id);

}  // namespace aribus::pbx
