// aribusd, as `aribus doctor` sees it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "base/time.h"
#include "cli/doctor/report.h"
#include "config/aribusd/config.h"
#include "json/json.h"

namespace aribus::cli {

// The daemon's `status`, as far as it could be read.
class DaemonStatus {
 public:
  enum class Presence { answers, absent, hidden };  // hidden: it could not be asked, and may well be there

  explicit DaemonStatus(Presence presence) : presence_(presence) {}
  explicit DaemonStatus(Json status) : presence_(Presence::answers), status_(std::move(status)) {}

  [[nodiscard]] Presence presence() const { return presence_; }
  [[nodiscard]] pid_t pid() const;  // 0: it is not known
  // The configuration that it has read, and when; "" and nothing when it does not say.
  [[nodiscard]] std::string_view file() const;
  [[nodiscard]] std::optional<WallTime> read() const;
  // Its entries about the Asterisks.
  [[nodiscard]] std::vector<const JsonValue*> servers() const;
  // Its entry about one Asterisk; nullptr when there is none.
  [[nodiscard]] const JsonValue* server(std::string_view name) const;
  // Its state there (protocol.md, `status`), or "".
  [[nodiscard]] std::string_view state(std::string_view name) const;
  // Whether the application is among those that it wants there.
  [[nodiscard]] bool wants(std::string_view name, const std::string& app) const;
  // Whether it receives the events of its applications there.
  [[nodiscard]] bool holds(std::string_view name) const;

 private:
  Presence presence_;
  Json status_;
};

// Asks the daemon on the first of `sockets` that lets this user in. `file` is the configuration that it
// should have been started with, `config` what is in it, or nullptr where that has mistakes.
DaemonStatus examine_daemon(Report& report, const std::vector<std::string>& sockets, const std::string& file,
                            const config::Config* config);

}  // namespace aribus::cli
