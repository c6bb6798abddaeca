// What the assignment of calls asks of its caller.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "record/own_records.h"

namespace aribus::groups {

// A connection of a program, by its number; 0: none.
using Connection = uint64_t;

// Runs the fallback of the group's settings for the call: sets ARIBUS_FALLBACK, then `continue`, …
struct RunFallback {
  std::string group;
  std::string call;
};

// Another connection is the member now: tell the program, and close this one.
struct CloseConnection {
  Connection connection;
  std::string group;
  std::string member;
};

// The member is none any more: its calls have ended, or the time of `group.leave` is over.
struct MemberLeft {
  Connection connection;
  std::string group;
  std::string member;
};

// To be done in order, records at once: see Groups.
struct Action {
  std::string server;  // of the call; "" for actions about connections
  std::string app;     // that the call is in
  std::variant<record::GroupAssigned, record::GroupAccepted, record::GroupReleased, RunFallback,
               CloseConnection, MemberLeft>
      what;
};

}  // namespace aribus::groups
