// A daemon whose Asterisk takes its time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/catch.h"
#include "tests/unit/ari/fake_asterisk.h"
#include "tests/unit/session/daemon.h"

namespace aribus::test {

// A daemon with one Asterisk that answers commands only when it is told to.
struct Busy : Daemon {
  FakeAsterisk asterisk;
  std::unique_ptr<ari::Client> client;

  explicit Busy(session::SessionLimits limits = {}, std::vector<std::string> apps = {})
      : Daemon(limits), asterisk(loop, behave_well) {
    ari::ClientOptions options;
    options.url = asterisk.url();
    options.max_connections = 100;
    options.apps = std::move(apps);
    client = ari::Client::make(loop, options).value();
    dispatcher.add_server("pbx1", *client);
    client->connect();
    REQUIRE(pump([&] { return client->is_connected(); }));
    asterisk.requests.clear();
    asterisk.set_script([this](auto& peer, auto&) { waiting.push_back(&peer); });
  }
  bool arrived(size_t count) {
    return pump([&] { return asterisk.requests.size() >= count; });
  }
  std::vector<FakeAsterisk::Peer*> waiting;  // for an answer, in the order of the requests
};

}  // namespace aribus::test
