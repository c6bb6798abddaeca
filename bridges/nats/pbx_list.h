// Which PBXs are on the bus: `aribus-nats --list`.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "nats/connection.h"

namespace aribus::nats {

struct ListOptions {
  // What the subject begins with to which the answers go: the user must be allowed to subscribe to it.
  std::string inbox_prefix = "_INBOX";
  // The bridges are asked once. An answer that comes later than this behind the one before it is not waited
  // for, nor one that comes `longest` behind the question.
  std::chrono::milliseconds quiet{500};
  std::chrono::milliseconds longest{5000};
};

// Asks all bridges, and gives their answers as a JSON object {"pbxs": [...]}, by the PBXs' names: what
// pbx_data() says, `rules`, and `bridge` with its id, version and the time of its start; `fault` where
// something is wrong. Errors: not_connected; not_allowed.
[[nodiscard]] Result<std::string> list_pbxs(const NatsOptions& options, const ListOptions& list = {});

// The same of what $SRV.STATS was answered with. What is no answer of a bridge is passed over.
[[nodiscard]] std::string pbxs_text(const std::vector<std::string>& answers);

}  // namespace aribus::nats
