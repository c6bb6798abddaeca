// The error codes of the protocol.
#pragma once

#include "base/result.h"

namespace aribus {

// The code in JSON-RPC's `error` object for a kind of failure; -32603 for kinds without a code.
[[nodiscard]] int code_of(ErrorKind kind);

// The kind of failure for a code; `internal` for unknown codes.
[[nodiscard]] ErrorKind kind_of(int code);

}  // namespace aribus
