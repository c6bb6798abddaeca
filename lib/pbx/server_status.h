// What `status` shows of one Asterisk.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/time.h"
#include "json/described.h"
#include "pbx/condition.h"

namespace aribus::pbx {

struct ServerStatus {
  static constexpr std::string_view transports[] = {"http", "websocket"};

  std::string name;
  bool connected = false;
  std::string state;  // see State
  WallTime since;     // it is connected or not
  std::optional<std::string> reason;
  std::optional<std::string> version;  // Asterisk's
  std::vector<std::string> apps;
  std::vector<std::string> replaced;  // those of `apps` that another client has
  uint64_t received = 0;              // messages of the event stream
  uint64_t calls = 0;                 // live ones
  uint64_t requests_open = 0;
  std::string rest;  // one of `transports`

  static constexpr auto members =
      std::tuple(member("name", &ServerStatus::name), member("connected", &ServerStatus::connected),
                 member("state", &ServerStatus::state).one_of(state_names),
                 member("since", &ServerStatus::since), member("reason", &ServerStatus::reason),
                 member("version", &ServerStatus::version), member("apps", &ServerStatus::apps),
                 member("replaced", &ServerStatus::replaced), member("received", &ServerStatus::received),
                 member("calls", &ServerStatus::calls), member("requests_open", &ServerStatus::requests_open),
                 member("rest", &ServerStatus::rest).one_of(transports));
};

}  // namespace aribus::pbx
