// What programs make is known from Asterisk's answer on, and told of to its end.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "control/method.h"
#include "json/json.h"
#include "pbx/creating_operations.h"

namespace aribus::control {

// What an operation is about to make.
struct NewObject {
  record::IdKind kind = record::IdKind::channel;
  std::string id;
  std::string app;         // of a channel: the application that it goes to, or ""
  bool on_bridge = false;  // of a playback or recording: it is on a bridge, not on a channel
  std::string on;          // the id of that
  uint64_t before = 0;     // the model's latest(), before the operation was sent

  // `params` are those of an operation that `creates` describes.
  [[nodiscard]] static NewObject of(const pbx::Server& upstream, const pbx::CreatingOperation& creates,
                                    const JsonValue& params);
};

// To be called with Asterisk's answer to the operation: what no event has told yet, as of a playback that
// waits for another one, is told by a record `state.changed`. A channel is told of when it goes to an
// application of ours; for a bridge see below.
void tell_of_new(pbx::Server& upstream, const NewObject& made, std::string_view answer);

// Whether `method` with `params` makes a bridge.
[[nodiscard]] bool makes_bridge(const Method& method, const JsonValue& params);

// Asterisk tells an application of a bridge only once one of its channels is in it, or when it asks for that.
// The reply made of `reply` tells of the bridge in the answer, if no event has, has `app` ask for it, and
// passes the answer on behind that: whatever happens to the bridge afterwards is told. Asterisk ends what was
// asked for with the bridge.
[[nodiscard]] pbx::Reply asking_for_bridge(pbx::Server& upstream, std::string app, const Requester& requester,
                                           pbx::Reply reply);

}  // namespace aribus::control
