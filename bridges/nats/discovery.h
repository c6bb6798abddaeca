// Answers to `$SRV` requests, as tools of NATS expect them (its ADR-32). No input or output.
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

// Where it takes commands.
struct Endpoint {
  std::string name;
  std::string subject;
  std::string group;  // of the queue; "": none
  const CommandFigures* figures;
};

// The name of a rule's endpoint: services of NATS take A-Z, a-z, 0-9, `_` and `-` alone.
[[nodiscard]] std::string endpoint_name(std::string_view rule);

// What became of the daemon's records.
struct Published {
  bool publishes = false;
  std::string reason{};  // why not
  Place last{};          // the last one in NATS
  uint64_t lost = 0;     // records that were gone before they could be published
  bool all = true;       // all types of records are to be
};

// How many of the daemon's records are not in NATS yet; nothing when that is not known.
// Where not all records are published, those behind the last one may be of no concern: that is not known.
[[nodiscard]] std::optional<uint64_t> behind(const DaemonState& daemon, const Published& published);

// The JSON object that tells a program, and `aribus pbx`, in what state the PBX is.
[[nodiscard]] std::string pbx_data(std::string_view pbx, const DaemonState& daemon,
                                   const Published& published);

[[nodiscard]] std::string ping_response(const Identity& identity);
[[nodiscard]] std::string info_response(const Identity& identity, const std::vector<Endpoint>& endpoints);
// `data` as pbx_data() makes it.
[[nodiscard]] std::string stats_response(const Identity& identity, const std::vector<Endpoint>& endpoints,
                                         const std::string& data);

}  // namespace aribus::nats
