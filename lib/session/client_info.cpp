#include "session/client_info.h"

namespace aribus::session {

std::string name_of(const control::Caller& caller) {
  return (caller.program.empty() ? "a program" : caller.program) + " (pid " +
         std::to_string(caller.peer.pid) + ", " +
         (caller.principal.name.empty() ? "uid " + std::to_string(caller.peer.uid)
                                        : "user " + caller.principal.name) +
         ")";
}

ShownClient shown(const ClientInfo& info) {
  const control::Caller& caller = info.caller;
  return {.id = caller.connection,
          .pid = caller.peer.pid,
          .program = {caller.program},
          .user = {caller.principal.name},
          .uid = caller.peer.uid,
          .socket = caller.peer.socket,
          .since = info.since,
          .rule = {caller.principal.rule ? caller.principal.rule->name : ""},
          .requests = info.requests,
          .subscription = {{info.subscription}},
          .sent = info.sent,
          .lost = info.lost};
}

}  // namespace aribus::session
