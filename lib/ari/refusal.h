// What Asterisk says when it refuses a request.
#pragma once

#include <string>
#include <string_view>

#include "ari/http.h"
#include "base/result.h"

namespace aribus::ari {

// What Asterisk says in the `body` of a refusal, at most 1 KiB of it: the "message" or "error" of ARI's JSON,
// the sentence in a page of its HTTP server, or the whole.
[[nodiscard]] std::string refusal_text(std::string_view body);

// The error of an answer whose status is 400 or more, to the request `method` `path`: of kind refused, with
// `status`, `message`, `method` and `path` as data.
[[nodiscard]] Error refusal(const HttpResponse& response, std::string_view method, std::string_view path);

}  // namespace aribus::ari
