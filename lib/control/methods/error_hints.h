// Why Asterisk did not create a channel.
//
// Asterisk answers 409 "already exists" and 500 "Allocation failed" for the same reasons: it derives the
// status from an earlier error of the same thread. channels.snoopChannel and channels.externalMedia answer
// 500 for everything. So after such a refusal the daemon looks for the real cause itself.
#pragma once

#include <string>
#include <string_view>

#include "json/json.h"
#include "pbx/server.h"

namespace aribus::control {

// The channel that an operation was to create.
struct WantedChannel {
  std::string endpoint;  // "" for operations without one, as channels.snoopChannel
  std::string id;
  std::string other_id;  // of the second half of a Local channel, or ""

  // `id_name` is the parameter with the id of the new channel.
  [[nodiscard]] static WantedChannel of(const JsonValue& params, std::string_view id_name);
};

// Whether `error`, of an operation that creates a channel, may have another cause than its text says.
[[nodiscard]] bool misleads(const Error& error);

// Replies with such a refusal, with the real cause in front of its text: a live channel has one of the ids
// (or, on newer Asterisks, an id that begins with one of them), the endpoint is unknown or has no usable
// state, or its technology is not loaded. If nothing is found, the text names what may be the cause. Sends at
// most four requests, all of which only read.
void explain_no_channel(pbx::Server& server, WantedChannel wanted, Error error, const Requester& requester,
                        pbx::Reply reply);

}  // namespace aribus::control
