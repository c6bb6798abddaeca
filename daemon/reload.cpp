#include "daemon/reload.h"

#include <sstream>

#include "base/log.h"
#include "base/suggest.h"
#include "json/json.h"

namespace aribus::daemon {

session::Reloaded Reload::result() const {
  session::Reloaded result;
  result.applied = applied;
  if (applied) {
    result.changed = changed;
    result.restart = restart;
    result.warnings = warnings;
    return result;
  }
  result.reason = error.message;
  if (const Result<Json> data = parse_json(error.data)) {
    if (const JsonValue* mistakes = find(*data, "mistakes"))
      result.mistakes.emplace().text = to_text(*mistakes);
  }
  return result;
}

void Reload::log() const {
  if (!applied) {
    spdlog::error("the configuration was not reloaded, and nothing was changed:");
    std::istringstream mistakes(error.message);
    for (std::string mistake; std::getline(mistakes, mistake);) spdlog::error("{}", mistake);
    return;
  }
  for (const std::string& warning : warnings) spdlog::warn("{}", warning);
  for (const std::string& change : changed) spdlog::info("reloaded: {}", change);
  if (!restart.empty()) {
    spdlog::warn("reloaded, but for {}: restart aribusd to apply that",
                 join(std::vector<std::string_view>(restart.begin(), restart.end())));
  }
  if (changed.empty() && restart.empty()) spdlog::info("reloaded: the configuration is as it was");
}

std::vector<std::string> needs_restart(const config::Config& now, const config::Config& next) {
  std::vector<std::string> keys;
  if (now.bus.ring_bytes != next.bus.ring_bytes) keys.emplace_back("bus.ring_bytes");
  if (now.bus.path != next.bus.path) keys.emplace_back("bus.path");
  return keys;
}

}  // namespace aribus::daemon
