#include "protocol/rpc_code.h"

namespace aribus {
namespace {

struct Code {
  ErrorKind kind;
  int code;
};
constexpr Code codes[] = {
    {ErrorKind::malformed, -32700},      {ErrorKind::invalid_request, -32600},
    {ErrorKind::unknown_method, -32601}, {ErrorKind::invalid_params, -32602},
    {ErrorKind::internal, -32603},       {ErrorKind::refused, -32000},
    {ErrorKind::not_connected, -32001},  {ErrorKind::outcome_unknown, -32002},
    {ErrorKind::not_allowed, -32003},    {ErrorKind::too_much, -32004},
    {ErrorKind::too_old, -32005},        {ErrorKind::not_owner, -32006},
};

}  // namespace

int code_of(ErrorKind kind) {
  for (const Code& known : codes) {
    if (known.kind == kind) return known.code;
  }
  return -32603;
}

ErrorKind kind_of(int code) {
  for (const Code& known : codes) {
    if (known.code == code) return known.kind;
  }
  return ErrorKind::internal;
}

}  // namespace aribus
