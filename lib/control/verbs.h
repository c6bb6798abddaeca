// What people do all day, made of ARI's operations.
#pragma once

#include "control/dispatcher.h"

namespace aribus::control {

// `ari.request {method, path, query?, body?}`: any request, for what has no name. `path` is below /ari,
// percent-encoded.
void ari_request(Upstream& upstream, const Json& params, Reply reply);

// `bridge {channels, type?, name?, bridgeId?}`: bridges.create, then bridges.addChannel with all channels;
// when that fails, bridges.destroy. Answers the bridge as bridges.get has it.
void bridge(Upstream& upstream, const Json& params, Reply reply);

// `play {channelId | bridgeId, media, …}`: channels.play or bridges.play.
void play(Upstream& upstream, const Json& params, Reply reply);

// Calls `operation` as the method of its name does: checked, prepared, explained.
void call_checked(Upstream& upstream, const ari::Operation& operation, Json params, Reply reply);

}  // namespace aribus::control
