#include "protocol/rpc_code.h"

#include "tests/catch.h"

using namespace aribus;

TEST_CASE("every kind of failure has its code") {
  const std::pair<ErrorKind, int> codes[] = {
      {ErrorKind::malformed, -32700},       {ErrorKind::invalid_request, -32600},
      {ErrorKind::unknown_method, -32601},  {ErrorKind::invalid_params, -32602},
      {ErrorKind::internal, -32603},        {ErrorKind::system, -32603},
      {ErrorKind::refused, -32000},         {ErrorKind::not_connected, -32001},
      {ErrorKind::outcome_unknown, -32002}, {ErrorKind::not_allowed, -32003},
      {ErrorKind::too_much, -32004},        {ErrorKind::too_old, -32005},
  };
  for (const auto& [kind, code] : codes) CHECK(code_of(kind) == code);
}
