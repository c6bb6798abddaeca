// The numbers by which errors go over the socket.
#pragma once

#include "base/result.h"

namespace aribus {

// The code of JSON-RPC's `error` object that stands for a kind of failure; -32603 for what has none of its
// own.
[[nodiscard]] int code_of(ErrorKind kind);

// The kind that a code stands for; `internal` for unknown ones.
[[nodiscard]] ErrorKind kind_of(int code);

}  // namespace aribus
