// From an operation and its parameters to an HTTP request.
#pragma once

#include <string>

#include "ari/schema.h"
#include "base/result.h"
#include "json/json.h"
#include "net/http.h"

namespace aribus::ari {

// Longest request line that Asterisk accepts (main/http.c); longer ones are answered with 400.
inline constexpr size_t max_request_line_bytes = 4096;

// Makes the request for `operation` from `params`, an object with one member for each parameter given.
// Path parameters are encoded into the path. The others go into the query for GET and DELETE; for POST and
// PUT, and whenever the request line would be too long, into a JSON body, which ARI reads the same way. The
// filter of applications.filter is the body itself: ARI silently ignores it when it is nested in a member.
// `prefix` is that of the URL (Url::prefix). Errors: invalid_params when a path parameter is missing, empty
// or no string, or when the path alone is too long.
[[nodiscard]] Result<HttpRequest> make_request(const Operation& operation, const JsonValue& params,
                                               std::string_view prefix);

// The value of a member as text for a query: strings unchanged, arrays joined by commas, other values as
// JSON.
[[nodiscard]] std::string query_value(const JsonValue& value);

}  // namespace aribus::ari
