// Answers to `$SRV` requests, in the format of NATS' ADR-32. No input or output.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nats/commands.h"
#include "nats/status.h"
#include "nats/window.h"

namespace aribus::nats {

// A bridge as a service of NATS.
struct Identity {
  static constexpr std::string_view name = "aribus";

  std::string pbx;
  std::string id;       // of this run of the bridge
  std::string version;  // of the bridge
  std::string started;  // RFC 3339
};

// A subject on which it receives commands.
struct Endpoint {
  std::string name;
  std::string subject;
  std::string group;  // the queue group; "": none
  const CommandFigures* figures;
};

// The name of a rule's endpoint: names of NATS services may contain only A-Z, a-z, 0-9, `_` and `-`.
[[nodiscard]] std::string endpoint_name(std::string_view rule);

// The state of publishing the daemon's records.
struct Published {
  bool publishes = false;
  std::string reason{};  // why it does not publish
  Place last{};          // the last record in NATS
  uint64_t lost = 0;     // records that left the ring before they were published
  bool all = true;       // all types of records are published
};

// How many of the daemon's records are not in NATS yet; nullopt if unknown. That is the case when only some
// types are published: the records after the last published one may be of other types.
[[nodiscard]] std::optional<uint64_t> behind(const DaemonState& daemon, const Published& published);

// The state of the PBX as a JSON object, for programs and `aribus pbx`.
[[nodiscard]] std::string pbx_data(std::string_view pbx, const DaemonState& daemon,
                                   const Published& published);

[[nodiscard]] std::string ping_response(const Identity& identity);
[[nodiscard]] std::string info_response(const Identity& identity, const std::vector<Endpoint>& endpoints);
// `data`: from pbx_data().
[[nodiscard]] std::string stats_response(const Identity& identity, const std::vector<Endpoint>& endpoints,
                                         const std::string& data);

}  // namespace aribus::nats
