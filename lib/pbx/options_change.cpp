#include "pbx/options_change.h"

#include <utility>

namespace aribus::pbx {

OptionsChange change_of(const ServerOptions& before, const ServerOptions& after) {
  if (before == after) return OptionsChange::nothing;
  ServerOptions timed = before;
  timed.client = with_times(std::move(timed.client), after.client);
  return timed == after ? OptionsChange::times : OptionsChange::connection;
}

ari::ClientOptions with_times(ari::ClientOptions options, const ari::ClientOptions& from) {
  options.reconnect = from.reconnect;
  options.connect_timeout = from.connect_timeout;
  options.request_timeout = from.request_timeout;
  options.ping_interval = from.ping_interval;
  options.silence_timeout = from.silence_timeout;
  return options;
}

}  // namespace aribus::pbx
