// Asterisk's error responses.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "net/http.h"

namespace aribus::ari {

// Asterisk's message in the `body` of an error response, at most 1 KiB: the "message" or "error" of ARI's
// JSON, the sentence in a page of its HTTP server, or the whole body.
[[nodiscard]] std::string error_response_text(std::string_view body);

// The error of an answer whose status is not 2xx, to the request `method` `path`, with `status`, `message`,
// `method` and `path` as data. Of kind refused; of kind outcome_unknown where the status is none of 4xx and
// 5xx either, and the request would have changed something.
[[nodiscard]] Error response_error(const HttpResponse& response, std::string_view method,
                                   std::string_view path);

}  // namespace aribus::ari
