// What Asterisk says when it refuses a request.
#pragma once

#include <string_view>

#include "ari/http.h"
#include "base/result.h"

namespace aribus::ari {

// The error of an answer whose status is 400 or more, to the request `method` `path`: of kind refused, with
// `status`, `message`, `method` and `path` as data.
[[nodiscard]] Error refusal(const HttpResponse& response, std::string_view method, std::string_view path);

}  // namespace aribus::ari
