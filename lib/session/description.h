// What is said of the notifications of the socket, in the languages made for it.
#pragma once

#include <string>
#include <string_view>

namespace aribus::session {

// JSON Schema 2020-12 of a record; in its `$defs` also the notifications `event` and `lost`, every type of
// event and every model of ARI.
[[nodiscard]] std::string records_schema();

// The AsyncAPI 3.0 document of the notifications, which refers to records.schema.json beside it; `version` is
// that of aribus.
[[nodiscard]] std::string describe_notifications(std::string_view version);

}  // namespace aribus::session
