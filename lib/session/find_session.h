// From a connection's number to its session, for methods about the caller's own connection.
#pragma once

#include <cstdint>
#include <functional>

#include "control/method.h"
#include "control/principal.h"

namespace aribus::session {

class Session;

// The session of a connection (Caller::connection); nullptr if there is none.
using FindSession = std::function<Session*(uint64_t connection)>;

// Calls `act` with the caller's session.
template <typename Act>
Result<pbx::ResultText> in_session(const FindSession& find, const control::Caller& caller, Act act) {
  if (Session* session = find ? find(caller.connection) : nullptr) return act(*session);
  return Error{ErrorKind::internal, "the method needs a connection", {}};
}

}  // namespace aribus::session
