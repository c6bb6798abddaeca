// One Asterisk, as `aribus doctor` sees it.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/doctor/asterisk_files.h"
#include "cli/doctor/daemon.h"
#include "cli/doctor/report.h"
#include "cli/doctor/request.h"
#include "config/aribusd/config.h"

namespace aribus::cli {

// Asterisk's files, as far as they can be read here and are this Asterisk's.
struct AsteriskFiles {
  std::optional<AsteriskFile> http;              // http.conf
  std::optional<AsteriskFile> ari;               // ari.conf
  std::optional<AsteriskFile> websocket_client;  // websocket_client.conf
  std::optional<AsteriskFile> extensions{};      // extensions.conf

  [[nodiscard]] static AsteriskFiles read(const std::string& folder);
};

// Asks it what the daemon asks it, as the daemon's user; without a password, whether ARI is there. Opens no
// event stream, which would take an application from whoever holds it, and changes nothing. `apps` are the
// applications of all Asterisks in the configuration.
void examine_asterisk(Report& report, const config::AsteriskConfig& asterisk,
                      const std::vector<std::string>& apps, const AsteriskFiles& files,
                      const DaemonStatus& daemon);

// Settings in Asterisk's files that are not in force: `info` is its answer to GET /ari/asterisk/info.
[[nodiscard]] std::vector<Finding> faults_of_loading(const Answer& info, const ari::ClientOptions& options,
                                                     const AsteriskFiles& files);

// Why GET /ari/asterisk/info had no answer, or not ARI's; nothing when it had.
[[nodiscard]] std::optional<Finding> fault_of(const Answer& info, const ari::ClientOptions& options,
                                              const AsteriskFiles& files);

// Mistakes in the files of an Asterisk that connects to the daemon (mode: outbound).
[[nodiscard]] std::optional<Finding> fault_of_outbound(const ari::ClientOptions& options,
                                                       const AsteriskFiles& files);

// Whether the version, as "22.10.1~dfsg", has what came with these releases, one of each branch, the newest
// first.
[[nodiscard]] bool has_what_came_with(const std::string& version,
                                      std::initializer_list<std::pair<int, int>> releases);

}  // namespace aribus::cli
