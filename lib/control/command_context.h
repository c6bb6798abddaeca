// One command, from its arrival to its answer.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "control/audit.h"
#include "control/method.h"
#include "control/principal.h"
#include "json/json.h"
#include "pbx/server.h"

namespace aribus::control {

// What the steps of a command's path share; Dispatcher has the steps. It lives as long as something of the
// command is under way.
struct CommandContext {
  using Clock = std::chrono::steady_clock;

  // Given when it arrives.
  Caller caller;
  std::string name;                  // of the method
  const Method* method = nullptr;    // nullptr: there is none of that name
  Json params;                       // an object, or null like an empty one
  std::optional<Json> server_param;  // of a command to an Asterisk, out of `params`
  std::optional<Json> key_param;     // likewise
  std::optional<Json> epoch_param;   // likewise

  // Given when it is to run.
  pbx::Reply reply;  // called once, at once or later
  Progress progress;

  // Found out on the way. Once the method runs it has the parameters, and `params` is null.
  bool checked = false;           // Dispatcher::check() has accepted it
  pbx::Server* server = nullptr;  // that it goes to
  std::string key;                // "": none
  std::optional<uint64_t> epoch;  // with which its member owns the call
  uint64_t call_command = 0;      // its number among those about calls of groups (pbx::Assignments); 0: none
  bool remembered = false;        // it is the first one with its key: repeats get its answer
  std::string generated_id;       // that the daemon gave to what it creates, or ""
  std::string bridge;             // that it creates, if its rule has bound_commands
  Json asked;                     // likewise, the parameters of a command that only reads
  bool makes_bridge = false;
  std::string bridge_app;         // of a command that creates a bridge: the application to subscribe to it
  uint64_t latest_before = 0;     // the model's latest() before that command was sent
  std::optional<AuditEntry> audit;
  Clock::time_point began;
  bool is_timed = false;  // the time to its answer is Asterisk's, not that of a call or a recording

  // The command changes something: its level is not "read".
  [[nodiscard]] bool changes() const {
    return method != nullptr && method->access_level != AccessLevel::read;
  }
};

}  // namespace aribus::control
