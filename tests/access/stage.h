// A daemon with rules for real users and groups, before a simulated Asterisk that notes what reaches it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tests/access/peer.h"
#include "tests/catch.h"
#include "tests/support/left_out.h"
#include "tests/support/program.h"
#include "tests/support/simulator.h"
#include "tests/support/soon.h"

namespace aribus::test {

// The codes of errors.
inline constexpr int not_allowed = -32003;
inline constexpr int too_much = -32004;

inline constexpr gid_t control_group = 4100, reading_group = 4101;

inline const Identity root{};
inline const Identity operator_by_group{4001, 4001, {4444, control_group}};
inline const Identity operator_by_primary{4002, control_group};
inline const Identity reader{4003, 4003, {reading_group}};
inline const Identity stranger{4004, 4004};
inline const Identity banned{4005, control_group, {reading_group}};
inline const Identity narrow{4006, 4006};
inline const Identity by_name{1, 1};  // "daemon", in Debian's base-passwd

inline constexpr const char* rules = R"(    mode: "0666"
  - path: @DIRECTORY@/monitor.sock
    mode: "0666"
access:
  - {name: admins, users: [root], methods: [read, control, admin], functions: ["*"]}
  - {name: banned, users: [4005], methods: []}
  - {name: monitor, sockets: [@DIRECTORY@/monitor.sock], methods: [hello, ping, status, subscribe, unsubscribe, "state.*"]}
  - {name: narrow, users: [4006], methods: ["channels.*", originate, play, bridges.play], exclude_methods: [channels.originate, bridges.play]}
  - {name: by-name, users: [daemon], methods: ["*"], exclude_methods: [admin]}
  - {name: control, groups: [4100], methods: [read, control]}
  - {name: reading, groups: [4101], methods: [read]}
)";

// Asterisk, and a daemon whose sockets everybody may open.
struct Stage {
  explicit Stage(const std::string& config, const std::vector<std::string>& apps = {"demo"});

  [[nodiscard]] aribus::test::Server server(const std::vector<std::string>& apps) const;
  // The socket for monitoring.
  [[nodiscard]] std::string monitor_path() const;
  // What Asterisk was asked that changes something, or reads a variable.
  [[nodiscard]] std::vector<std::string> effects() const;

  Simulator asterisk;
  Daemon daemon;
};

// A command works soon: a channel that was just originated is not in the application yet.
[[nodiscard]] bool works_soon(Peer& peer, const std::string& method, const std::string& params);

}  // namespace aribus::test
