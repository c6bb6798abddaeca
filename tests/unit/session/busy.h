// A daemon whose Asterisk takes its time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/catch.h"
#include "tests/unit/ari/fake_asterisk.h"
#include "tests/unit/pbx/test_server.h"
#include "tests/unit/session/daemon.h"

namespace aribus::test {

// A daemon with one Asterisk that answers commands only when it is told to.
struct Busy : Daemon {
  FakeAsterisk asterisk;
  TestServer pbx;

  explicit Busy(session::SessionLimits limits = {}, std::vector<std::string> apps = {})
      : Daemon(limits), asterisk(loop, behave_well), pbx(loop, client_of(asterisk, std::move(apps))) {
    dispatcher.add_server(pbx);
    pbx.connect_to(loop, asterisk);
    asterisk.set_script([this](auto& peer, auto&) { waiting.push_back(&peer); });
  }
  ~Busy() { close(); }  // before its Asterisk, as the daemon does
  Busy(const Busy&) = delete;
  static ari::ClientOptions client_of(const FakeAsterisk& asterisk, std::vector<std::string> apps) {
    ari::ClientOptions options = client_options(asterisk.url(), std::move(apps));
    options.max_connections = 100;
    return options;
  }
  bool arrived(size_t count) {
    return pump([&] { return asterisk.requests.size() >= count; });
  }
  std::vector<FakeAsterisk::Peer*> waiting;  // for an answer, in the order of the requests
};

}  // namespace aribus::test
