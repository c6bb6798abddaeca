// `aribus doctor`: checks the whole chain from the configuration to Asterisk.
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <sstream>

#include <unistd.h>

#include "cli/commands.h"
#include "cli/doctor/asterisk.h"
#include "cli/doctor/daemon.h"
#include "cli/doctor/machine.h"
#include "cli/doctor/report.h"
#include "cli/doctor/rights.h"
#include "cli/output.h"
#include "net/url.h"

namespace aribus::cli {
namespace {

// A mistake that root does not meet: a file that is for few to read.
bool is_for_root(const std::string& reason) {
  return ::geteuid() != 0 && (reason.find(std::strerror(EACCES)) != std::string::npos ||
                              reason.find("no systemd credentials") != std::string::npos);
}

std::optional<config::Config> examine_config(Report& report, const std::string& file) {
  auto config = config::load_config(file, config::Purpose::check);
  if (config) {
    report.good(file);
    for (const std::string& warning : config->warnings) report.note({warning, ""});
    return std::move(*config);
  }
  std::istringstream reasons(config.error().message);
  for (std::string reason; std::getline(reasons, reason);) {
    if (reason.starts_with(config::warning_mark)) {
      report.note({reason.substr(config::warning_mark.size()), ""});
    } else if (is_for_root(reason)) {
      report.note({reason, "for few to read: run 'aribus doctor' as root"});
    } else {
      report.wrong({reason, ""});
    }
  }
  return {};
}

std::vector<std::string> sockets_of(const Arguments& arguments, const config::Config& usable) {
  if (arguments.socket_given || usable.sockets.empty()) return {arguments.socket};
  std::vector<std::string> paths;
  for (const auto& socket : usable.sockets) paths.push_back(socket.path);
  return paths;
}

// Asterisk's files, unless they can't be its own.
AsteriskFiles files_of(const Arguments& arguments, const config::AsteriskConfig& asterisk) {
  if (arguments.has("asterisk-etc")) return AsteriskFiles::read(arguments.value("asterisk-etc"));
  const auto url = parse_url(asterisk.client.url);
  return url && is_this_machine(url->host) ? AsteriskFiles::read("/etc/asterisk") : AsteriskFiles();
}

int doctor(const Arguments& arguments) {
  if (arguments.words.size() > 1) return misuse("doctor", "it takes no arguments");
  Report report;
  report.title("Configuration");
  const std::string file =
      arguments.has("config") ? arguments.value("config") : ARIBUS_CONFIG_DIR "/aribusd.yaml";
  const auto config = examine_config(report, file);
  const config::Config usable = config ? *config : config::load_usable(file);
  report.title("aribusd");
  const DaemonStatus status =
      examine_daemon(report, sockets_of(arguments, usable), file, config ? &*config : nullptr);
  examine_rights(report, file, status.pid());
  const auto& asterisks = usable.asterisk;
  if (asterisks.empty()) {
    report.title("Asterisk");
    report.note({"not asked: its address is in the configuration", ""});
  }
  std::vector<std::string> apps;
  for (const config::AsteriskConfig& asterisk : asterisks)
    apps.insert(apps.end(), asterisk.client.apps.begin(), asterisk.client.apps.end());
  for (const config::AsteriskConfig& asterisk : asterisks) {
    report.title("Asterisk " + asterisk.name + " at " + asterisk.client.url);
    examine_asterisk(report, asterisk, apps, files_of(arguments, asterisk), status);
  }
  if (report.count() == 0) {
    out().line("Nothing is wrong.");
    return done;
  }
  out().line(std::to_string(report.count()) + (report.count() == 1 ? " thing is" : " things are") +
             " wrong.");
  return failed;
}

}  // namespace

Command doctor_command() {
  return {"doctor",
          "",
          "checks configuration, daemon and Asterisk; reports what is wrong and how to fix it",
          "It reads the daemon's configuration (as root: including the password), queries the daemon, and "
          "queries "
          "each Asterisk as the daemon would. It changes nothing. Exit status 1: something is wrong.",
          {{"config", "FILE", "the daemon's configuration (default " ARIBUS_CONFIG_DIR "/aribusd.yaml)"},
           {"asterisk-etc", "DIR", "the folder of Asterisk's own configuration (default /etc/asterisk)"}},
          doctor};
}

}  // namespace aribus::cli
