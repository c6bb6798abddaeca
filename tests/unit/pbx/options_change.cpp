#include "pbx/options_change.h"

#include <functional>

#include "tests/catch.h"

using namespace aribus;
using namespace aribus::pbx;

namespace {

using Change = std::function<void(ServerOptions&)>;

const Change of_times[] = {
    [](ServerOptions& options) { options.client.reconnect.first = Milliseconds(1); },
    [](ServerOptions& options) { options.client.reconnect.max = Milliseconds(1); },
    [](ServerOptions& options) { options.client.reconnect.stable = Milliseconds(1); },
    [](ServerOptions& options) { options.client.reconnect.slow = Milliseconds(1); },
    [](ServerOptions& options) { options.client.connect_timeout = Milliseconds(1); },
    [](ServerOptions& options) { options.client.request_timeout = Milliseconds(1); },
    [](ServerOptions& options) { options.client.ping_interval = Milliseconds(1); },
    [](ServerOptions& options) { options.client.silence_timeout = Milliseconds(1); },
};

const Change of_others[] = {
    [](ServerOptions& options) { options.client.url = "http://10.0.0.1:8088"; },
    [](ServerOptions& options) { options.client.username = "other"; },
    [](ServerOptions& options) { options.client.password = "other"; },
    [](ServerOptions& options) { options.client.user = ListenerUser{.name = "asterisk", .id = 1}; },
    [](ServerOptions& options) { options.client.apps.emplace_back("other"); },
    [](ServerOptions& options) { options.client.subscribe_all = true; },
    [](ServerOptions& options) { options.client.listen.emplace(); },
    [](ServerOptions& options) { options.client.tls.verify_peer = false; },
    [](ServerOptions& options) { options.client.on_replaced = ari::OnReplaced::reclaim; },
    [](ServerOptions& options) { options.client.rest = ari::RestMode::websocket; },
    [](ServerOptions& options) { options.client.max_connections = 1; },
    [](ServerOptions& options) { options.client.max_message_bytes = 1; },
    [](ServerOptions& options) { options.client.max_response_bytes = 1; },
    [](ServerOptions& options) { options.tls_files = 1; },
};

ServerOptions options() {
  ServerOptions options;
  options.client.url = "http://127.0.0.1:8088";
  options.client.apps = {"demo"};
  return options;
}

}  // namespace

TEST_CASE("the same options need nothing") {
  CHECK(change_of(options(), options()) == OptionsChange::nothing);
}

TEST_CASE("time-outs and pauses are taken by the present connection, everything else needs another one") {
  for (const Change& change : of_times) {
    ServerOptions changed = options();
    change(changed);
    CHECK(change_of(options(), changed) == OptionsChange::times);
    CHECK(with_times(options().client, changed.client) == changed.client);
    for (const Change& other : of_others) {
      ServerOptions both = changed;
      other(both);
      CHECK(change_of(options(), both) == OptionsChange::connection);
      CHECK(with_times(options().client, both.client) == changed.client);
    }
  }
  for (const Change& other : of_others) {
    ServerOptions changed = options();
    other(changed);
    CHECK(change_of(options(), changed) == OptionsChange::connection);
  }
}
