// The list of PBXs on NATS: `aribus-nats --list`.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "nats/connection.h"

namespace aribus::nats {

struct ListOptions {
  // The prefix of the subject for the answers: the user needs the permission to subscribe to it.
  std::string inbox_prefix = "_INBOX";
  // The request is sent once. Waiting for answers ends when none came for `quiet`, or `longest` after the
  // request.
  std::chrono::milliseconds quiet{500};
  std::chrono::milliseconds longest{5000};
};

// Asks all bridge processes and returns their answers as a JSON object {"pbxs": [...]}, sorted by name: the
// object of pbx_data(), with `rules`, `bridge` (id, version, start time), and `fault` if something is wrong.
// Errors: not_connected; not_allowed.
[[nodiscard]] Result<std::string> list_pbxs(const NatsOptions& options, const ListOptions& list = {});

// The same from answers to $SRV.STATS. Answers that are not from a bridge process are ignored.
[[nodiscard]] std::string pbxs_text(const std::vector<std::string>& answers);

}  // namespace aribus::nats
