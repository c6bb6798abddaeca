#include "session/client_info.h"

namespace aribus::session {
namespace {

void write_number(JsonWriter& writer, std::string_view name, uint64_t value) {
  write_key(writer, name);
  writer.Uint64(value);
}

void write_text_or_null(JsonWriter& writer, std::string_view name, std::string_view text) {
  write_key(writer, name);
  text.empty() ? static_cast<void>(writer.Null()) : write_string(writer, text);
}

}  // namespace

std::string name_of(const control::Caller& caller) {
  return (caller.program.empty() ? "a program" : caller.program) + " (pid " +
         std::to_string(caller.peer.pid) + ", " +
         (caller.user.empty() ? "uid " + std::to_string(caller.peer.uid) : "user " + caller.user) + ")";
}

void write_members(JsonWriter& writer, const ClientInfo& info) {
  const control::Caller& caller = info.caller;
  write_number(writer, "id", caller.connection);
  write_key(writer, "pid");
  writer.Int(caller.peer.pid);
  write_text_or_null(writer, "program", caller.program);
  write_text_or_null(writer, "user", caller.user);
  write_number(writer, "uid", caller.peer.uid);
  write_member(writer, "socket", caller.peer.socket);
  write_member(writer, "since", to_rfc3339(info.since));
  write_text_or_null(writer, "rule", caller.rule ? caller.rule->name : "");
  write_number(writer, "requests", info.requests);
  write_key(writer, "subscription");
  info.subscription.empty() ? static_cast<void>(writer.Null()) : write_raw(writer, info.subscription);
  write_number(writer, "sent", info.sent);
  write_number(writer, "lost", info.lost);
}

}  // namespace aribus::session
