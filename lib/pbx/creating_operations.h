// The operations that create an object under an id that the caller or the daemon chooses.
#pragma once

#include <string>
#include <string_view>

#include "record/id_set.h"

namespace aribus::pbx {

struct CreatingOperation {
  std::string_view operation;
  std::string_view id;  // the parameter with the new object's id
  record::IdKind kind;  // of the new object
};

// What `operation` ("channels.originate") creates, or nullptr.
[[nodiscard]] const CreatingOperation* find_creating_operation(std::string_view operation);

// The path below /ari at which the object with that id is looked up. A recording is looked up as a live one:
// a stored recording with its name may be older.
[[nodiscard]] std::string place_of(record::IdKind kind, std::string_view id);

}  // namespace aribus::pbx
