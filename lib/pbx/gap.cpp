#include "pbx/gap.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace aribus::pbx {
namespace {

// The text of a JSON string without characters to escape; "" when there is none.
std::string_view unquoted(std::string_view json) {
  return json.size() < 2 ? std::string_view() : json.substr(1, json.size() - 2);
}

}  // namespace

void Gap::recall(const record::Record& record, WallTime started) {
  if (record.type == "server.connected" || record.type == "server.disconnected") {
    const std::string_view startup = unquoted(record.member("startup_time"));
    const bool connected = record.type == "server.connected";
    if (connected && !startup.empty()) known_startup_ = startup;
    ended_at_ = connected ? std::string_view() : startup;
  }
  since_ = std::min(record.time, started) - travel_time;
}

void Gap::recalled() {
  reason_ = "aribusd was not running";
}

void Gap::miss(const std::string& reason, WallTime now, Milliseconds silence) {
  if (since_) return;
  since_ = now - silence - travel_time;
  reason_ = reason;
}

Gap::Found Gap::connected(const ari::ServerInfo& info) {
  const std::string before = std::exchange(known_startup_, info.startup_time);
  return {.is_first = before.empty(), .restarted = !before.empty() && before != info.startup_time};
}

std::optional<Gap::Missed> Gap::end(bool continues, bool restarted) {
  const auto since = std::exchange(since_, std::nullopt);
  channels_before_ = 0;
  if (!since || continues) return {};
  if (!restarted) channels_before_ = model_.count_ends();
  return Missed{*since, reason_};
}

void Gap::log_ended_channels() {
  const size_t before = std::exchange(channels_before_, 0);
  const size_t ended = before == 0 ? 0 : model_.counted_ends();
  if (ended == 0) return;
  log_line(spdlog::level::info, {{"SERVER", server_}}, "{}: of the {} channels before the gap {} have ended",
           server_, before, ended);
}

}  // namespace aribus::pbx
