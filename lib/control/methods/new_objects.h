// Objects that commands create are known from Asterisk's answer on, even if no event reports them.
//
// Asterisk tells an application about a new object only when something happens to it: about a playback that
// waits for another one when it starts, about a bridge when one of its channels enters it. Until then a
// program that follows records would not know the object, and would never hear of its end. So each answer
// that shows an object which no event has reported becomes a record state.changed, and the daemon subscribes
// one of its applications to each new bridge.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "control/method.h"
#include "json/json.h"
#include "json/json_tape.h"
#include "pbx/creating_operations.h"

namespace aribus::control {

// An object that an operation is about to create.
struct NewObject {
  record::IdKind kind = record::IdKind::channel;
  std::string id;
  std::string app;         // of a channel: the application that it goes to, or ""
  bool on_bridge = false;  // of a playback or recording: it is on a bridge, not on a channel
  std::string on;          // the id of that bridge or channel
  uint64_t before = 0;     // the model's latest() before the operation was sent

  // `params` are those of an operation that `creates` describes.
  [[nodiscard]] static NewObject of(const pbx::Server& server, const pbx::CreatingOperation& creates,
                                    const JsonValue& params);
};

// Call it with Asterisk's answer to the operation, valid JSON. Publishes state.changed if no event has
// reported the object yet; for a channel if it goes to an application of ours. Bridges: see
// subscribe_to_bridge().
void report_new(pbx::Server& server, const NewObject& made, JsonView answer);

// Call it with Asterisk's answer to the operation, valid JSON. A channel that was created for one of our
// applications enters it a moment after the answer; until then a command that Asterisk refuses because the
// channel is "not in Stasis" is sent again when it is (server.stasis()).
void expect_entry(pbx::Server& server, const NewObject& made, JsonView answer);

// Whether `method` with `params` creates a bridge.
[[nodiscard]] bool makes_bridge(const Method& method, const JsonValue& params);

// For Asterisk's `answer` to a command that creates a bridge: reports the bridge if no event has, subscribes
// `app` to it, and only then passes the answer on to `reply`, so that whatever happens to the bridge
// afterwards is reported. Asterisk ends the subscription with the bridge. `before`: the model's latest()
// before the command was sent.
void subscribe_to_bridge(pbx::Server& server, const std::string& app, uint64_t before,
                         const Requester& requester, pbx::ResultText answer, pbx::Reply reply);

}  // namespace aribus::control
