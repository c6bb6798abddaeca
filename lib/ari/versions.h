// Which versions of Asterisk have an operation or a parameter.
#pragma once

#include <string>
#include <string_view>

#include "ari/schema.h"
#include "base/result.h"
#include "json/json.h"

namespace aribus::ari {

// Whether the version that Asterisk reports, "22.10.1+dfsg…", is known to lack a declaration with `since` and
// `absent_in` (see Operation).
[[nodiscard]] bool too_old_for(std::string_view version, std::string_view since, std::string_view absent_in);

// An error of kind too_old: `version` lacks what `since` has.
[[nodiscard]] Error too_old(std::string message, std::string_view since, std::string_view version);

// Checks that `operation`, with the parameters in `params`, exists in this version.
// Errors: too_old.
[[nodiscard]] Result<void> check_version(const Operation& operation, const JsonValue& params,
                                         std::string_view version);

}  // namespace aribus::ari
