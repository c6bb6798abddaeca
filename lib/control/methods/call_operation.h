// Calls an operation of ARI for a method.
#pragma once

#include "ari/schema.h"
#include "json/json.h"
#include "pbx/server.h"

namespace aribus::control {

// Calls `operation` with `params` that prepare() has completed. If it creates an object, more happens around
// the request:
//
// - If no answer comes, the resolver finds out what became of it (unknown_outcome.h).
// - The new object is known from Asterisk's answer on, and reported if no event has (new_objects.h).
// - A refusal to create a channel whose text is misleading gets the real cause (error_hints.h).
void call_operation(pbx::Server& server, const ari::Operation& operation, const JsonValue& params,
                    const Requester& requester, pbx::Reply reply);

// prepare(), then call_operation(): what the method of an operation does.
void prepare_and_call(pbx::Server& server, const ari::Operation& operation, Json params,
                      const Requester& requester, const pbx::Reply& reply);

}  // namespace aribus::control
