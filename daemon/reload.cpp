#include "daemon/reload.h"

#include <algorithm>
#include <sstream>

#include "base/log.h"
#include "base/suggest.h"
#include "json/json.h"

namespace aribus::daemon {
namespace {

struct Listening {
  std::string_view section;
  std::string key;
  std::string path;
};

std::vector<Listening> listening(const config::Config& config) {
  std::vector<Listening> all;
  for (size_t i = 0; i < config.sockets.size(); ++i)
    all.push_back({"sockets", "sockets[" + std::to_string(i) + "].path", config.sockets[i].path});
  if (config.web) all.push_back({"web", "web.path", config.web->path});
  if (config.metrics && config.metrics->address.empty())
    all.push_back({"metrics", "metrics.path", config.metrics->socket.path});
  return all;
}

}  // namespace

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

Result<void> check_moves(const config::Config& now, const config::Config& next) {
  const std::vector<Listening> open = listening(now);
  for (const Listening& wanted : listening(next)) {
    const auto at = std::ranges::find(open, wanted.path, &Listening::path);
    if (at == open.end() || at->section == wanted.section) continue;
    return Error{ErrorKind::invalid_params,
                 wanted.key + ": this aribusd itself listens on " + wanted.path + ", as " + at->key +
                     ": restart it to move the path; or, unless systemd opened it, take it out of " +
                     std::string(at->section) + ", reload, add it to " + std::string(wanted.section) +
                     " and reload again",
                 {}};
  }
  return {};
}

}  // namespace aribus::daemon
