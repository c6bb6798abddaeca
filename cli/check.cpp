#include "cli/commands.h"
#include "cli/output.h"
#include "config/aribusd/config.h"

namespace aribus::cli {
namespace {

int check(const Arguments& arguments) {
  if (arguments.words.size() > 2) return misuse("check", "one file is expected");
  const std::string file =
      arguments.words.size() == 2 ? arguments.words[1] : ARIBUS_CONFIG_DIR "/aribusd.yaml";
  const auto config = config::load_config(file, config::Purpose::check);
  if (!config) {
    err().lines(config.error().message);
    return failed;
  }
  for (const std::string& warning : config->warnings) out().line("warning: " + warning);
  out().line(file + ": nothing is wrong with it");
  return done;
}

}  // namespace

Command check_command() {
  return {"check",
          "[FILE]",
          "checks the daemon's configuration and reports errors",
          "The default of FILE is " ARIBUS_CONFIG_DIR "/aribusd.yaml.",
          {},
          check};
}

}  // namespace aribus::cli
