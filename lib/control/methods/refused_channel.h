// Why Asterisk made no channel.
#pragma once

#include <string>
#include <vector>

#include "ari/schema.h"
#include "json/json.h"
#include "pbx/server.h"

namespace aribus::control {

// What an operation that makes a channel asked for.
struct WantedChannel {
  std::string endpoint;  // "" for what takes none, as channels.snoopChannel
  std::string id;        // of the channel
  std::string other_id;  // of the second half of a Local channel, or ""

  // `id_name` is the parameter that names the new channel.
  [[nodiscard]] static WantedChannel of(const JsonValue& params, std::string_view id_name);
};

// Asterisk says 409 "already exists" and 500 "Allocation failed" for the same reasons: it takes the cause
// from what its thread did before. channels.snoopChannel and channels.externalMedia say 500 for all.
[[nodiscard]] bool misleads(const Error& error);

// Replies with such a refusal, completed by what is found out: whether a channel has one of the ids, or, on
// newer Asterisks, an id that begins with one of them, and whether Asterisk knows the endpoint. Where
// nothing was found its text says what may be the cause. Sends at most four requests that read.
void explain_no_channel(pbx::Server& upstream, WantedChannel wanted, Error error, const Requester& requester,
                        pbx::Reply reply);

}  // namespace aribus::control
