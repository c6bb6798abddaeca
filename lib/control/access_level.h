// How far methods and calls reach: what an access rule must allow for them.
#pragma once

#include <cstdint>

#include "ari/schema.h"
#include "json/json.h"

namespace aribus::control {

struct Method;

// It only reads; it acts on calls and what belongs to them; it can harm the whole PBX, read its secrets, or
// change what all programs share.
enum class AccessLevel : uint8_t { read, control, admin };

// The level of the method that calls this operation of ARI alone. Other methods have theirs where they are
// defined.
[[nodiscard]] AccessLevel access_level_of(const ari::Operation& operation);

// The level of a call of `method` with these parameters, which may be anything: the method's, or "admin" for
// `applications.subscribe` to all objects of a kind.
[[nodiscard]] AccessLevel access_level_of(const Method& method, const JsonValue& params);

}  // namespace aribus::control
